"""The pipelines that are worth trying on a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from eyespot.preprocessing.pipeline import (
    OFFSETS,
    RANGES,
    Cast,
    Damaged,
    Filter,
    Order,
    Pipeline,
    changed,
    parse,
    words,
)
from eyespot.preprocessing.spec import Input
from eyespot.preprocessing.tensors import levels

FITS = ("squash", "crop", "crop0.875", "crop0.75", "letterbox")
CLASSIC = ("bgr,squash,opencv", "bgr,wrapped")  # cv2.imread and cv2.resize; NXP's example for MobileNetV1
FACTORS: dict[str, tuple[str, ...]] = {
    "order": ("order",),
    "range": ("mean", "std", "cast"),
    "fit": ("fit", "crop"),
    "filter": ("filter",),
    "damage": ("damage",),
    "exif": ("upright",),
}
Changes = dict[str, Pipeline]  # by what is changed, in words


def orders(tensor: Input) -> list[Order]:
    """The channel orders that differ for this input, the usual one first."""
    return ["gray", "bgr"] if tensor.shape[3] == 1 else list(get_args(Order))


def numbers(tensor: Input, base: Pipeline) -> Changes:
    """Every range and cast that stores other numbers in this input, that of `base` first.

    Integers that differ by one at most are the same: nothing could tell them apart.
    """
    found: Changes = {word_of(base): base}
    for word in (*RANGES, *get_args(Cast)[1:]):
        plain = {"mean": (0.0,), "std": (1.0,)} if word in OFFSETS else {}
        stated = {"cast": word, **plain} if word in get_args(Cast) else parse(word)
        try:
            way = changed(base, stated)
            table = levels(way, tensor)
        except ValueError:  # not for this type or number of channels
            continue
        if not any(_alike(table, levels(each, tensor)) for each in found.values()):
            found[word] = way
    return found


def _alike(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return bool((abs(one.T.astype(float) - other.T) <= (0 if one.dtype == np.float32 else 1)).all())


def word_of(pipeline: Pipeline) -> str:
    """The word for its range or its cast of raw pixels."""
    return pipeline.cast if pipeline.cast in OFFSETS else pipeline.range


def fits(base: Pipeline) -> Changes:
    """Other ways to fit the picture."""
    return _others(base, FITS)


def filters(base: Pipeline) -> Changes:
    """Other filters."""
    return _others(base, get_args(Filter))


def rest(base: Pipeline, *, turned: bool) -> Changes:
    """RGB565, and EXIF ignored where pictures are `turned`."""
    return _others(base, [*get_args(Damaged)[1:], *(["exif-ignored"] if turned else [])])


def _others(base: Pipeline, stated: Iterable[str]) -> Changes:
    ways = {word: changed(base, parse(word)) for word in stated}
    return {word: way for word, way in ways.items() if way != base}


def singles(base: Pipeline, tensor: Input, *, turned: bool) -> Changes:
    """Every change of one factor."""
    found: Changes = {order: changed(base, {"order": order}) for order in orders(tensor) if order != base.order}
    found |= dict(list(numbers(tensor, base).items())[1:])
    return found | fits(base) | filters(base) | rest(base, turned=turned)


def classics(base: Pipeline, tensor: Input) -> Changes:
    """Mistakes that go together in well-known examples."""
    stated = (word for word in CLASSIC if tensor.dtype != "float32" or "wrapped" not in word)
    return _others(base, stated)


def parts(base: Pipeline, stated: Mapping[str, Any]) -> Changes:
    """The factors in which stated fields differ from a pipeline, each changed alone."""
    found: Changes = {}
    for fields in FACTORS.values():
        way = changed(base, {name: stated[name] for name in fields if name in stated})
        if way != base:
            found[_difference(base, way)] = way
    return found


def _difference(base: Pipeline, way: Pipeline) -> str:
    before = words(base).split(",")
    return ",".join(word for word in words(way).split(",") if word not in before) or "undamaged"
