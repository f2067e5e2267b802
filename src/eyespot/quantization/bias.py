"""Bias correction: rounding weights shifts each channel's mean; the bias can take the shift back.

Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019,
section 4.2, here with measured instead of derived means.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.progress import track
from eyespot.quantization.activations import layers, output_name, scale_of, watch
from eyespot.quantization.dense import multiple
from eyespot.tflite import schema
from eyespot.tflite.read import File

IMAGES = 50


def correct(int8: File, float32: File, stored: NDArray[np.int8], real: NDArray[np.float32]) -> File:
    """The int8 file with its int32 biases shifted so that each channel's mean is the float32 file's.

    The first IMAGES will do: every layer is measured anew, so time grows with the square of depth.

    Both files have the same layers in the same order; `stored` and `real` (n, h, w, c) are the same
    images as each takes them. Layer by layer, as each correction changes what the next layer sees.
    """
    stored, real = stored[:IMAGES], real[:IMAGES]
    wanted = tuple(output_name(float32, layer) for layer in layers(float32))
    means = _means(float32, wanted, real)
    for index in track(range(len(wanted)), len(wanted), "bias correction"):
        layer = layers(int8)[index]
        name = output_name(int8, layer)
        scale, zero_point = scale_of(int8, name)
        found = (_means(int8, (name,), stored)[0] - zero_point) * scale
        _shift(int8, layer, means[index] - found)
        int8 = replace(int8, data=schema.pack(int8.model))
    return int8


def _means(file: File, wanted: tuple[str, ...], tensors: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Mean stored value of each channel (the last axis) of each wanted tensor."""
    look = watch(file, wanted)
    sums: list[Any] = [0.0] * len(wanted)
    for tensor in tensors:
        for i, values in enumerate(look(tensor)):
            sums[i] = sums[i] + values.reshape(-1, values.shape[-1]).mean(0, dtype=np.float64)
    return [total / len(tensors) for total in sums]


def _shift(file: File, layer: Any, amount: NDArray[np.float64]) -> None:
    """Add real amounts (channels,) to a layer's int32 bias, whose scale is its input's times its weights'."""
    tensors = file.graph.tensors
    bias = tensors[layer.inputs[2]]
    stored = schema.constant(file.model, bias)
    assert stored is not None, "a bias is a constant"  # noqa: S101
    whole = multiple(file, layer)
    steps = whole * np.round(amount / np.asarray(bias.quantization.scale, np.float64) / whole)
    schema.set_whole_numbers(file.model, bias, stored + steps)
