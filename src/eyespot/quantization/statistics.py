"""What calibration measures, on all cores of this machine or of a cluster.

The images are divided into parts. What is measured does not depend on the parts, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eyespot.evaluation.workers import Workers
from eyespot.progress import track
from eyespot.quantization.activations import MEANS, Observed, Range, merged, observe
from eyespot.quantization.ranges import Counts, choose, histograms
from eyespot.tflite import run as running
from eyespot.tflite.kernels import Content
from eyespot.tflite.read import File, parse

PART = 10  # images

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """The range of each activation, by tensor name, and each layer's mean of each channel, (channels,)."""

    ranges: dict[str, Range]
    means: Sequence[NDArray[np.float64]]


def measure(file: File, pixels: Pixels, how: Literal["minmax", "percentile", "mse"], pool: Workers) -> Statistics:
    """Run images (n, h, w, c) through a float32 file. BadFileError if LiteRT refuses it."""
    starts, name = range(0, len(pixels), PART), f"{file.path}: quantization"
    parts = [pixels[start : start + PART] for start in starts]
    seen = pool.open(open_observe, file.content, name=name)(zip(parts, starts, strict=True))
    extremes, means = merged(track(seen, len(parts), "ranges"))
    counts: list[Counts] = []
    if how != "minmax":
        counted = pool.open(open_count, file.content, extremes, name=name)(parts)
        counts = list(track(counted, len(parts), "histograms"))
    spec = running.contract_of(file).preprocessing
    return Statistics(ranges=choose(file.input.name, spec, how, extremes, counts), means=means)


def open_observe(content: Content) -> Callable[[tuple[Pixels, int]], Observed]:
    """In a worker: a function from images, of which the first has a number, to what `observe` finds in them."""
    file = parse(content.data, content.path)
    return lambda part: observe(file, _tensors(file, part[0]), max(0, MEANS - part[1]))


def open_count(content: Content, extremes: dict[str, Range]) -> Callable[[Pixels], Counts]:
    """In a worker: a function from images to their `histograms`."""
    file = parse(content.data, content.path)
    return lambda pixels: histograms(file, _tensors(file, pixels), extremes)


def _tensors(file: File, pixels: Pixels) -> NDArray[np.float32]:
    return running.stored(pixels, running.contract_of(file).preprocessing, file.input)
