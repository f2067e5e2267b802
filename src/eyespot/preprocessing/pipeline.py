"""How somebody turns a picture into a network's input tensor, mistakes included.

`Preprocessing` says what is right for a file; a `Pipeline` also has words for what goes wrong on boards. For
everything that a `Preprocessing` can say, both give the same tensor, bit for bit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Literal, cast, get_args

from eyespot.errors import BadArgumentError, UnknownNameError
from eyespot.preprocessing.spec import Input, Preprocessing, Resize

Order = Literal["rgb", "bgr", "gray"]
Fit = Literal["squash", "crop", "letterbox"]
Filter = Literal["nearest", "bilinear", "bicubic", "lanczos", "area", "opencv"]
Damaged = Literal["none", "rgb565", "rgb565-swapped"]
Cast = Literal["quantized", "wrapped", "shifted", "shifted-twice", "unshifted", "saturated"]

RANGES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {  # mean and std of pixels 0..255
    "0..255": ((0.0,), (1.0,)),
    "0..1": ((0.0,), (255.0,)),
    "-1..1": ((127.5,), (127.5,)),
    "-128..127": ((128.0,), (1.0,)),
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "caffe": ((103.939, 116.779, 123.68), (1.0,)),
    "scaled-twice": ((0.0,), (65025.0,)),
}
OFFSETS = {"shifted": -128, "shifted-twice": -256, "unshifted": 0, "saturated": 0}  # casts of raw pixels


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """From a decoded picture to a tensor; the default is right for a float32 file that takes RGB, 0..255.

    `upright`: EXIF orientation is honoured. `fit`: the whole picture is squashed or letterboxed (black bars),
    or its central square of `crop` times the shorter side is used. `filter` resizes: with Pillow's
    antialiasing; `area` is Pillow's box, `opencv` bilinear without antialiasing. `damage` is done at the
    input's size. `order` gray repeats luma where the file takes three channels, and bgr is luma of swapped
    channels where it takes one. Then (pixel - mean) / std, and the `cast` to an integer type: `quantized` by
    the file's scale and zero point, rounded and clipped; `wrapped` the same, but what is out of range wraps
    around (white becomes black). The others store raw pixels: `shifted` pixel - 128; `shifted-twice`
    pixel - 256, clipped; `unshifted` the bits of the pixel (white becomes -1 in int8); `saturated` the
    pixel, clipped at +127 in int8.
    """

    order: Order = "rgb"
    damage: Damaged = "none"
    fit: Fit = "squash"
    crop: float = 1.0
    filter: Filter = "bilinear"
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    cast: Cast = "quantized"
    upright: bool = True

    def __post_init__(self) -> None:
        """ValueError for numbers out of range, and for a range or a crop that would have no effect."""
        numbers = (*self.mean, *self.std)
        if {len(self.mean), len(self.std)} - {1, 3} or not all(map(isfinite, numbers)) or min(self.std) <= 0:
            raise ValueError(f"mean and std hold 1 or 3 finite numbers, std positive; found {numbers}")
        if not 0 < self.crop <= 1:
            raise ValueError(f"crop is a share above 0, at most 1, found {self.crop}")
        if self.fit != "crop" and self.crop != 1:
            raise ValueError(f"{self.fit} has no crop, found {self.crop}")
        if self.cast in OFFSETS and self.range != "0..255":
            raise ValueError(f"{self.cast} stores pixels, so the range {self.range} has no effect")

    @property
    def range(self) -> str:
        """The word for mean and std."""
        mean, std = (":".join(map(repr, numbers)) for numbers in (self.mean, self.std))
        known = (word for word, values in RANGES.items() if values == (self.mean, self.std))
        return next(known, f"mean={mean},std={std}")

    @property
    def fitting(self) -> str:
        """The word for fit and crop."""
        return self.fit if self.crop == 1 else f"crop{self.crop:g}"


WORDS: dict[str, dict[str, Any]] = {  # each word of `--using`, and the fields that it sets
    **{word: {"order": word} for word in get_args(Order)},
    **{word: {"fit": word, "crop": 1.0} for word in get_args(Fit)},
    **{word: {"filter": word} for word in get_args(Filter)},
    **{word: {"damage": word} for word in get_args(Damaged)[1:]},
    "undamaged": {"damage": "none"},
    **{word: {"mean": mean, "std": std} for word, (mean, std) in RANGES.items()},
    **{word: {"cast": word} for word in get_args(Cast)[:2]},
    **{word: {"cast": word, "mean": (0.0,), "std": (1.0,)} for word in get_args(Cast)[2:]},
    "upright": {"upright": True},
    "exif-ignored": {"upright": False},
}
NUMBERS = r"(crop)([-+.e\d]+)|(mean|std)=([-+.e\d:]+)"


def parse(text: str) -> dict[str, Any]:
    """The fields of `Pipeline` that a list such as `bgr,0..1,squash` states.

    A range without a cast means `quantized`. UnknownNameError for an unknown word, BadArgumentError for
    words that contradict each other and for numbers out of range.
    """
    stated, owner = dict[str, Any](), dict[str, str]()
    for word in filter(None, (each.strip() for each in text.split(","))):
        for name, value in _fields(word).items():
            if stated.get(name, value) != value:
                raise BadArgumentError(f"using: {owner[name]!r} and {word!r} contradict each other. State one of them")
            stated[name], owner[name] = value, word
    if "mean" in stated or "std" in stated:
        stated = {"cast": "quantized", "mean": (0.0,), "std": (1.0,), **stated}
    if not stated:
        raise BadArgumentError("using: expected words such as bgr,0..1,squash, found none")
    changed(Pipeline(), stated)
    return stated


def changed(pipeline: Pipeline, fields: Mapping[str, Any]) -> Pipeline:
    """A pipeline with other fields. BadArgumentError where they do not go together."""
    try:
        return replace(pipeline, **fields)
    except ValueError as error:
        raise BadArgumentError(f"using: {error}") from error


def _fields(word: str) -> dict[str, Any]:
    if word in WORDS:
        return WORDS[word]
    if not (match := re.fullmatch(NUMBERS, word)):
        raise UnknownNameError("word of a pipeline", word, [*WORDS, "crop0.875", "mean=127.5", "std=127.5"])
    name, text = filter(None, match.groups())
    try:
        numbers = tuple(map(float, text.split(":")))
    except ValueError:
        raise BadArgumentError(f"using: {word!r}: expected numbers separated by ':'") from None
    return {"fit": "crop", "crop": numbers[0]} if name == "crop" else {name: numbers}


def words(pipeline: Pipeline) -> str:
    """The inverse of `parse`: every field in words; what is not damaged, quantized and upright needs none."""
    number = pipeline.cast if pipeline.cast in OFFSETS else pipeline.range
    parts = [pipeline.order, pipeline.damage, number, pipeline.fitting, pipeline.filter]
    parts += ["wrapped"] * (pipeline.cast == "wrapped") + ["exif-ignored"] * (not pipeline.upright)
    return ",".join(part for part in parts if part != "none")


def pipeline_of(spec: Preprocessing) -> Pipeline:
    """The pipeline that does what a contract says."""
    fit: dict[str, Any] = {} if spec.crop is None else {"fit": "crop", "crop": spec.crop}
    return Pipeline(order=spec.order, filter=spec.resize, mean=spec.mean, std=spec.std, **fit)


def preprocessing_of(pipeline: Pipeline, tensor: Input) -> Preprocessing:
    """The contract that says what a pipeline does for an input tensor. ValueError if none can."""
    _, height, width, channels = tensor.shape
    raw = {"int8": "shifted", "uint8": "unshifted"}.get(tensor.dtype)
    beyond = {
        pipeline.damage: pipeline.damage != "none",
        "letterbox": pipeline.fit == "letterbox",
        pipeline.filter: pipeline.filter not in get_args(Resize),
        pipeline.cast: pipeline.cast not in {"quantized", raw},
        "exif-ignored": not pipeline.upright,
        f"{pipeline.order} for {channels} channel(s)": pipeline.order == ("bgr" if channels == 1 else "gray"),
    }
    if inexpressible := ", ".join(word for word, holds in beyond.items() if holds):
        raise ValueError(f"a contract cannot say {inexpressible}")
    mean, std = pipeline.mean, pipeline.std
    if pipeline.cast == raw:
        mean, std = (float(tensor.zero_point - OFFSETS[pipeline.cast]),), (1 / tensor.scale,)
    return Preprocessing(
        height=height, width=width, order="gray" if channels == 1 else pipeline.order,
        crop=pipeline.crop if pipeline.fit == "crop" else None, resize=cast("Resize", pipeline.filter),
        mean=mean, std=std,
    )  # fmt: skip
