"""Bias correction: rounding weights shifts each channel's mean; the bias can take the shift back.

Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019,
section 4.2, here with measured instead of derived means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.progress import track
from eyespot.quantization.activations import MEANS, average, channel_means, layers, output_name, scale_of
from eyespot.quantization.dense import multiple
from eyespot.quantization.stepwise import Stepwise
from eyespot.tflite import schema
from eyespot.tflite.read import File


def correct(int8: File, means: Sequence[NDArray[np.float64]], tensors: NDArray[np.int8]) -> File:
    """The int8 file, its int32 biases shifted so that each channel's mean is the float32 file's.

    `means` are the float32 file's, as `observe` measures them; `tensors` (n, h, w, c) are the same images
    as the int8 file takes them. Layer by layer, as each correction changes what the next layer sees.
    """
    images = Stepwise(int8, tensors[:MEANS])
    for layer, wanted in track(zip(layers(int8), means, strict=True), len(means), "bias correction"):
        images.run_until(layer)
        scale, zero_point = scale_of(int8, output_name(int8, layer))
        stored = average([channel_means(outputs[0]) for outputs in images.outputs(layer)])
        shift(int8, layer, wanted - (stored - zero_point) * scale)
        if images.used(layer.inputs[2]):  # the shift changed an earlier layer too
            images = Stepwise(int8, tensors[:MEANS])
    return replace(int8, data=schema.pack(int8.model))


def shift(file: File, layer: Any, amount: NDArray[np.float64]) -> None:
    """Add real amounts (channels,) to a layer's int32 bias, whose scale is its input's times its weights'."""
    bias = file.graph.tensors[layer.inputs[2]]
    stored = schema.constant(file.model, bias)
    assert stored is not None, "a bias is a constant"  # noqa: S101
    whole = multiple(file, layer)
    steps = whole * np.round(amount / np.asarray(bias.quantization.scale, np.float64) / whole)
    schema.set_whole_numbers(file.model, bias, stored + steps)
