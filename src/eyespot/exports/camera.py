"""A camera's frames in C: the tables of a resize that is known beforehand, and the pattern that checks it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyespot.errors import BadArgumentError
from eyespot.preprocessing.damage import from_rgb565
from eyespot.preprocessing.image import central
from eyespot.preprocessing.spec import Preprocessing

SMALLEST, LARGEST = 8, 4096  # sides of a frame
SHARE = 1 << 12  # of a column's weights
WEIGHT = 1 << 15  # the sum of a row's weights
SCALE = 1 << 38  # 32 bits that are shifted out, and 6 that stay behind the point

Raw = NDArray[Any]
Image = NDArray[np.uint8]


class Format(NamedTuple):
    """How a camera stores pixels: elements of `bits` per pixel, those of `unit` in turn, and a frame as an image."""

    bits: int
    per_pixel: int
    unit: int
    words: str
    decode: Callable[[Raw], Image]


def _yuyv(rows: Raw) -> Image:
    """ITU-R BT.601 with Y from 16 to 235, in 256ths, as OpenCV and V4L2 take YUYV."""
    fours = rows.reshape(len(rows), -1, 4).astype(np.int32)
    y = 298 * (fours[..., ::2] - 16) + 128
    u, v = fours[..., 1:2] - 128, fours[..., 3:4] - 128
    parts = np.stack([y + 409 * v, y - 100 * u - 208 * v, y + 516 * u], -1)
    return (parts >> 8).clip(0, 255).astype(np.uint8).reshape(len(rows), -1, 3)


WORD = "It has red in the high bits of a 16-bit word"
FORMATS = {
    "rgb565": Format(16, 1, 1, f"{WORD}.", from_rgb565),
    "rgb565-swapped": Format(16, 1, 1, f"{WORD}, whose bytes are swapped.", lambda raw: from_rgb565(raw.byteswap())),
    "rgb888": Format(8, 3, 3, "Its bytes are R, G, B.", lambda raw: raw.reshape(len(raw), -1, 3)),
    "bgr888": Format(8, 3, 3, "Its bytes are B, G, R.", lambda raw: raw.reshape(len(raw), -1, 3)[..., ::-1]),
    "yuyv": Format(8, 2, 4, "Its bytes are Y, U, Y, V for two pixels.", _yuyv),
    "gray": Format(8, 1, 1, "It has a byte for each pixel.", lambda raw: raw[..., None]),
}


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Frames of a size, in pixels, and a format: a key of `FORMATS`."""

    width: int
    height: int
    format: str

    @classmethod
    def parse(cls, text: str) -> Camera:
        """From a text such as 320x240:rgb565. BadArgumentError for another form or size."""
        match = re.fullmatch(r"(\d{1,4})x(\d{1,4}):([a-z\d-]+)", text, re.ASCII)
        if not match or match[3] not in FORMATS:
            raise BadArgumentError(f"camera: expected WIDTHxHEIGHT:FORMAT, FORMAT {', '.join(FORMATS)}, found {text!r}")
        width, height = int(match[1]), int(match[2])
        if not (SMALLEST <= min(width, height) <= max(width, height) <= LARGEST):
            raise BadArgumentError(f"camera: expected sides of {SMALLEST} to {LARGEST} pixels, found {width}x{height}")
        if match[3] == "yuyv" and width % 2:
            raise BadArgumentError(f"camera: expected an even width for yuyv, found {width}")
        return cls(width=width, height=height, format=match[3])

    def image(self, frame: Raw) -> Image:
        """A frame (height, elements of a row) as (height, width, 3), or 1 for gray."""
        return FORMATS[self.format].decode(frame)

    def pattern(self) -> Raw:
        """The frame of the golden check, as golden.c fills it."""
        form = FORMATS[self.format]
        stride = self.width * form.per_pixel
        y, e = np.mgrid[: self.height, :stride].astype(np.uint32)
        field = y * 8 // self.height * 8 + e * 8 // stride
        mixed = (field * form.unit + e % form.unit + 1) * np.uint32(2654435761)
        mixed = (mixed ^ mixed >> 15) * np.uint32(0x2C1B3C6D)
        return ((mixed >> 16) + (e * 13 + y * 7) % 32).astype(f"u{form.bits // 8}")


class Axis(NamedTuple):
    """`length` pixels from `start` are resized to `target`; `size` is the whole side of the frame."""

    start: int
    length: int
    size: int
    target: int

    @property
    def scale(self) -> float:
        """Pixels of the frame for one of the target."""
        return self.length / self.target

    def centre(self, at: int) -> float:
        """Where the middle of a target pixel lies."""
        return self.start + (at + 0.5) * self.scale


def axes(camera: Camera, spec: Preprocessing) -> tuple[Axis, Axis]:
    """How columns and rows of a frame are resized."""
    left, top, right, bottom = map(int, central(camera.width, camera.height, spec.crop))
    columns = Axis(left, right - left, camera.width, spec.width)
    return columns, Axis(top, bottom - top, camera.height, spec.height)


def shrink(axis: Axis) -> dict[str, list[int]]:
    """Tables of shrink.c: the shares of the pixels before each target's centre, and what divides by their sums."""
    bounds = [min(max(0, math.ceil(axis.centre(at) - 0.5)), axis.size) for at in range(-1, axis.target + 1)]
    shares: list[int] = []
    sums = np.zeros(axis.target + 2, np.int64)
    for at in range(axis.target + 1):
        places = np.arange(bounds[at], bounds[at + 1]) + 0.5
        found = np.round((places - axis.centre(at - 1)) / axis.scale * SHARE).astype(int)
        shares += [*found.tolist(), -1]
        sums[at : at + 2] += len(found) * SHARE - found.sum(), found.sum()
    scales = [-(-SCALE // int(each)) for each in sums[1:-1]]  # upwards: white stays white
    return {"column_first": bounds[:1], "column_shares": shares, "column_scales": scales}


def enlarge(axis: Axis) -> dict[str, list[int]]:
    """Tables of enlarge.c: the first of two pixels for each target, and the share of the second."""
    places = np.array([axis.centre(at) - 0.5 for at in range(axis.target)])
    firsts = np.floor(places).clip(0, axis.size - 2).astype(int)
    shares = np.round((places - firsts).clip(0, 1) * SHARE).astype(int)
    return {"column_firsts": firsts.tolist(), "column_shares": shares.tolist()}


def rows(axis: Axis) -> dict[str, list[int]]:
    """Tables of preprocess.c: the targets that each row of the frame is part of, and its weights for them."""
    reach = max(axis.scale, 1.0)
    bounds = [[int(max(0, axis.centre(at) + side * reach + 0.5)) for side in (-1, 1)] for at in range(axis.target)]
    firsts, lasts = np.array(bounds).clip(0, axis.size).T
    taken = range(firsts[0], lasts[-1])
    starts = [int((lasts <= row).sum()) for row in (*taken, lasts[-1])]
    ends = [int((firsts <= row).sum()) for row in taken]
    weights = [_weights(axis.centre(at), reach, int(firsts[at]), int(lasts[at])) for at in range(axis.target)]
    flat = [
        int(weights[at][row - firsts[at]])
        for row, start, end in zip(taken, starts, ends, strict=False)
        for at in range(start, end)
    ]
    return {"row_first": [int(firsts[0])], "row_starts": starts, "row_ends": ends, "row_weights": flat}


def _weights(centre: float, reach: float, first: int, last: int) -> NDArray[np.int64]:
    """Of the rows from `first` to `last`, whole numbers whose sum is `WEIGHT`."""
    shares = (1 - np.abs(np.arange(first, last) + 0.5 - centre) / reach).clip(0)
    whole = np.round(shares / shares.sum() * WEIGHT).astype(np.int64)
    whole[whole.argmax()] += WEIGHT - whole.sum()
    return whole
