"""What a file of any task is tried with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def probe(shape: Sequence[int], dtype: Any) -> NDArray[Any]:
    """An input tensor with a picture's mean and deviation, never 0: what divides by its input must run too.

    Pixels 1..255, as uint8; their place below and above the middle, as int8 and int16; 0 to 1 as float. Other
    types hold places, sizes and conditions: ones.
    """
    kind = np.dtype(dtype)
    pixels = np.random.default_rng(0).normal(115, 58, tuple(shape)).round().clip(1, 255)  # ImageNet's statistics
    if kind.kind == "f":
        return (pixels / 255).astype(kind)
    if kind == np.uint8:
        return pixels.astype(kind)
    if kind in (np.int8, np.int16):
        return np.where(pixels == 128, 1, (pixels - 128) * 256 ** (kind.itemsize - 1)).astype(kind)
    return np.ones(tuple(shape), kind)
