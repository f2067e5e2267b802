"""Choosing each activation's range, which is most of int8 quality, and the quantizer that takes them.

The quantizer's own calibration keeps a moving average of minima and maxima, which cuts off whatever is
rare and costs ResNet8 about 0.6 points and a MobileNet all it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eyespot.capture import captured
from eyespot.preprocessing.image import to_real
from eyespot.preprocessing.spec import Preprocessing
from eyespot.quantization.activations import Range, indices, watch
from eyespot.tflite.read import File

BINS = 2048
CENTRAL = 0.9999
CANDIDATES = np.linspace(0.3, 1.0, 71)

Counts = dict[str, NDArray[np.int64]]


def choose(
    source: str, spec: Preprocessing, how: Literal["minmax", "percentile", "mse"], extremes: dict[str, Range],
    counts: Sequence[Counts],
) -> dict[str, Range]:  # fmt: skip
    """The range of every activation of a float32 file, by tensor name.

    `counts` are the `histograms` of parts of the images between their `extremes`; minmax needs none. The range of
    the input, `source`, is exact, not calibrated: what pixels 0 and 255 become.
    """
    ranges = extremes
    if how != "minmax":
        pick = {"percentile": _percentile, "mse": _least_squares}[how]
        totals = {name: np.sum([each[name] for each in counts], 0) for name in extremes}
        ranges = {name: pick(totals[name], extremes[name]) for name in extremes}
    return ranges | {source: (float(to_real(0.0, spec).min()), float(to_real(255.0, spec).max()))}


def histograms(file: File, tensors: NDArray[np.float32], extremes: dict[str, Range]) -> Counts:
    """How many values of each activation lie in each of BINS bins between its extremes, (BINS,), by tensor name."""
    named = indices(file)
    counts = {name: np.zeros(BINS, np.int64) for name in named}
    for activations in watch(file, named.values(), tensors):
        for name, values in zip(named, activations, strict=True):
            low, high = extremes[name]
            counts[name] += np.histogram(values, BINS, (low, max(high, low + 1e-9)))[0]
    return counts


def _percentile(counts: NDArray[np.int64], extreme: Range) -> Range:
    """The range that leaves out 0.005 % of the values at either end."""
    share = np.cumsum(counts) / counts.sum()
    edges = np.linspace(*extreme, BINS + 1)
    low = edges[np.searchsorted(share, (1 - CENTRAL) / 2)]
    high = edges[min(int(np.searchsorted(share, (1 + CENTRAL) / 2)) + 1, BINS)]
    return min(float(low), 0.0), max(float(high), 0.0)


def _least_squares(counts: NDArray[np.int64], extreme: Range) -> Range:
    """Of the extremes shrunk by common factors, the range whose rounding and clipping err least."""
    edges = np.linspace(*extreme, BINS + 1)
    centres = (edges[:-1] + edges[1:]) / 2

    def error(share: float) -> float:
        low, high = extreme[0] * share, extreme[1] * share
        step = max(high - low, 1e-9) / 255
        rounded = np.round((centres.clip(low, high) - low) / step) * step + low
        return float((counts * (rounded - centres) ** 2).sum())

    best = float(min(CANDIDATES, key=error))
    return extreme[0] * best, extreme[1] * best


def quantize_static(data: bytes, ranges: dict[str, Range]) -> bytes:
    """Full int8 of a float32 file's bytes: in and out, per-channel convolutions, int32 biases.

    Dense layers are per-tensor: NXP's i.MX 93 delegate refuses them per channel. An activation that is
    always zero gets the range 0 to 1; with none, XNNPACK refuses its layer and the next biases overflow.
    """
    limits = {
        name: {
            "min": np.array([[low]], np.float32),
            "max": np.array([[high if high > low else low + 1]], np.float32),
        }
        for name, (low, high) in ranges.items()
    }
    with captured():
        from litert_quantizer import qtyping, quantizer, recipe

        work = quantizer.Quantizer(data)
        work.load_quantization_recipe(recipe.static_wi8_ai8())
        dense = qtyping.TFLOperationName.FULLY_CONNECTED
        work.add_static_config(".*", dense, 8, 8, weight_granularity=qtyping.QuantGranularity.TENSORWISE)
        return bytes(work.quantize(limits, enable_progress_report=False).quantized_model)
