"""Choosing each activation's range, which is most of int8 quality.

The quantizer's own calibration keeps a moving average of minima and maxima, which cuts off whatever is
rare and costs ResNet8 about 0.6 points and a MobileNet all it has.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eyespot.preprocessing.image import to_real
from eyespot.preprocessing.spec import Preprocessing
from eyespot.progress import track
from eyespot.quantization.activations import Observed, Range, observe, watch
from eyespot.tflite.read import File

BINS = 2048
CENTRAL = 0.9999
CANDIDATES = np.linspace(0.3, 1.0, 71)


def choose(
    file: File,
    tensors: NDArray[np.float32],
    spec: Preprocessing,
    how: Literal["minmax", "percentile", "mse"],
    seen: Observed | None = None,
) -> dict[str, Range]:
    """The range of every activation of a float32 file, by tensor name, from input tensors (n, h, w, c).

    `seen` is what `observe` returned for them, if it ran already. The input's range is exact, not
    calibrated: what pixels 0 and 255 become.
    """
    extremes = (seen or observe(file, tensors)).extremes
    if how != "minmax":
        pick = {"percentile": _percentile, "mse": _least_squares}[how]
        counts = _histograms(file, tensors, extremes)
        extremes = {name: pick(counts[name], extremes[name]) for name in extremes}
    exact = {file.input.name: (float(to_real(0.0, spec).min()), float(to_real(255.0, spec).max()))}
    return extremes | exact


def _histograms(
    file: File, tensors: NDArray[np.float32], extremes: dict[str, Range]
) -> dict[str, NDArray[np.int64]]:
    look = watch(file, tuple(extremes))
    counts = {name: np.zeros(BINS, np.int64) for name in extremes}
    for tensor in track(tensors, len(tensors), "histograms"):
        for (name, (low, high)), values in zip(extremes.items(), look(tensor), strict=True):
            counts[name] += np.histogram(values, BINS, (low, max(high, low + 1e-9)))[0]
    return counts


def _centres(extreme: Range) -> NDArray[np.float64]:
    edges = np.linspace(*extreme, BINS + 1)
    centres: NDArray[np.float64] = (edges[:-1] + edges[1:]) / 2
    return centres


def _percentile(counts: NDArray[np.int64], extreme: Range) -> Range:
    """The range that leaves out 0.005 % of the values at either end."""
    share = np.cumsum(counts) / counts.sum()
    edges = np.linspace(*extreme, BINS + 1)
    low = edges[np.searchsorted(share, (1 - CENTRAL) / 2)]
    high = edges[min(int(np.searchsorted(share, (1 + CENTRAL) / 2)) + 1, BINS)]
    return min(float(low), 0.0), max(float(high), 0.0)


def _least_squares(counts: NDArray[np.int64], extreme: Range) -> Range:
    """Of the extremes shrunk by common factors, the range whose rounding and clipping err least."""
    centres = _centres(extreme)

    def error(share: float) -> float:
        low, high = extreme[0] * share, extreme[1] * share
        step = max(high - low, 1e-9) / 255
        rounded = np.round((centres.clip(low, high) - low) / step) * step + low
        return float((counts * (rounded - centres) ** 2).sum())

    best = min(CANDIDATES, key=error)
    return extreme[0] * float(best), extreme[1] * float(best)
