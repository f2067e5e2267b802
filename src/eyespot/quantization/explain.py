"""How much each layer loses in int8."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.progress import track
from eyespot.quantization.activations import layers, output_name, scale_of, watch
from eyespot.tflite import schema
from eyespot.tflite.read import File


@dataclass(frozen=True, kw_only=True)
class LayerError:
    """A layer's output in int8 against float32: signal-to-noise ratio in dB, the step between levels.

    `range_used` is the share of the 256 levels that occurred.
    """

    layer: int
    operator: str
    signal_to_noise: float
    scale: float
    range_used: float


def explain(
    int8: File, float32: File, stored: NDArray[np.int8], real: NDArray[np.float32]
) -> tuple[LayerError, ...]:
    """The layers of both files compared on the same images (n, h, w, c), worst first."""
    pairs = list(zip(layers(int8), layers(float32), strict=True))
    looks = [
        watch(file, tuple(output_name(file, pair[side]) for pair in pairs))
        for side, file in enumerate((int8, float32))
    ]
    scales = [scale_of(int8, output_name(int8, layer)) for layer, _ in pairs]
    signal, noise = np.zeros(len(pairs)), np.zeros(len(pairs))
    seen = np.zeros((len(pairs), 256), bool)
    for images in track(zip(stored, real, strict=True), len(stored), "explain"):
        both = zip(*(look(image) for look, image in zip(looks, images, strict=True)), strict=True)
        for i, (levels, values) in enumerate(both):
            scale, zero_point = scales[i]
            signal[i] += np.square(values, dtype=np.float64).sum()
            noise[i] += np.square(values - (levels.astype(np.float32) - zero_point) * scale).sum()
            seen[i, np.unique(levels).astype(int) + 128] = True
    ratios = 10 * np.log10(np.maximum(signal, 1e-30) / np.maximum(noise, 1e-30))
    errors = [
        LayerError(
            layer=i,
            operator=schema.operator_name(int8.model, layer),
            signal_to_noise=float(ratios[i]),
            scale=scales[i][0],
            range_used=float(seen[i].mean()),
        )
        for i, (layer, _) in enumerate(pairs)
    ]
    return tuple(sorted(errors, key=lambda error: error.signal_to_noise))
