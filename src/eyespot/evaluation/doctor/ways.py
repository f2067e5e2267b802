"""The pipelines that are worth trying on a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from eyespot.preprocessing.pipeline import RANGES, Cast, Damaged, Filter, Order, Pipeline, changed, parse, words
from eyespot.preprocessing.spec import Input
from eyespot.preprocessing.tensors import levels

FITS = ("squash", "crop", "crop0.875", "crop0.75", "letterbox")
FILTERS = get_args(Filter)
CLASSIC = ("bgr,squash,opencv", "bgr,wrapped")  # cv2.imread and cv2.resize; NXP's example for MobileNetV1
FACTORS = (("order",), ("mean", "std", "cast"), ("fit", "crop"), ("filter",), ("damage",), ("upright",))
Changes = dict[str, Pipeline]  # by what is changed, in words


def orders(tensor: Input) -> list[Order]:
    """The channel orders that differ for this input, the usual one first."""
    return ["gray", "bgr"] if tensor.shape[3] == 1 else list(get_args(Order))


def numbers(tensor: Input, base: Pipeline) -> Changes:
    """Every range and cast that stores other numbers in this input than `base` and those before it.

    Integers that differ by one at most are the same: nothing could tell them apart.
    """
    found, tables = Changes(), [levels(base, tensor)]
    for word in (*RANGES, *get_args(Cast)[1:]):
        with suppress(ValueError):  # not for this type or number of channels
            way = changed(base, parse(word))
            table = levels(way, tensor)
            if not any(_alike(table, each) for each in tables):
                found[word] = way
                tables.append(table)
    return found


def _alike(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return bool((abs(one.T.astype(float) - other.T) <= (0 if one.dtype == np.float32 else 1)).all())


def rest(*, turned: bool) -> list[str]:
    """RGB565, and EXIF ignored where pictures are `turned`."""
    return [*get_args(Damaged)[1:], *(["exif-ignored"] if turned else [])]


def others(base: Pipeline, stated: Iterable[str]) -> Changes:
    """The pipelines that words make of another one, where they change it."""
    ways = {word: changed(base, parse(word)) for word in stated}
    return {word: way for word, way in ways.items() if way != base}


def mistakes(base: Pipeline, tensor: Input, *, turned: bool) -> Changes:
    """Every change of one factor, and mistakes that go together in well-known examples."""
    classic = [words for words in CLASSIC if tensor.dtype != "float32" or "wrapped" not in words]
    found = others(base, orders(tensor)) | numbers(tensor, base)
    return found | others(base, [*FITS, *FILTERS, *rest(turned=turned), *classic])


def parts(base: Pipeline, stated: Mapping[str, Any]) -> Changes:
    """The factors in which stated fields differ from a pipeline, each changed alone."""
    found, before = Changes(), words(base).split(",")
    for fields in FACTORS:
        way = changed(base, {name: stated[name] for name in fields if name in stated})
        if way != base:
            found[",".join(word for word in words(way).split(",") if word not in before) or "undamaged"] = way
    return found
