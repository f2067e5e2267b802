"""Biases that fit into int32.

A bias has the scale of its input times that of its weights. If the weights of a channel are zero or
almost so, this is so small that the bias overflows. Such weights are lost beside the bias, so they get a
larger scale: theirs times the least power of two that also leaves room for bias correction.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.quantization.activations import layers
from eyespot.quantization.dense import multiple
from eyespot.tflite import schema
from eyespot.tflite.read import File

LARGEST = 1 << 30


def fit_biases(int8: File, float32: File) -> None:
    """Enlarge weight scales in an int8 file's model where a bias overflows, per channel if they are."""
    for layer, real in zip(layers(int8), layers(float32), strict=True):
        values, biases = (schema.constant(float32.model, float32.graph.tensors[i]) for i in real.inputs[1:3])
        before, weights, bias = (int8.graph.tensors[i] for i in layer.inputs[:3])
        if values is None or biases is None:
            continue
        least = abs(biases.astype(np.float64)) / (LARGEST * float(before.quantization.scale[0]))
        scales = weights.quantization.scale
        least = least if len(scales) > 1 else least.max(keepdims=True)
        if (least > scales).any():
            whole = multiple(int8, layer)
            larger = scales * 2.0 ** np.ceil(np.log2(np.maximum(least / scales, 1)))
            _store(int8.model, weights, values, larger, whole)
            _store(int8.model, bias, biases, larger * float(before.quantization.scale[0]), whole)


def _store(
    model: Any, tensor: Any, values: NDArray[np.float32], scales: NDArray[np.float64], whole: int
) -> None:
    """Store real values as multiples of `whole`, in one scale or one per slice of the quantized axis."""
    axis = tensor.quantization.quantizedDimension if len(scales) > 1 else 0
    shape = [len(scales) if i == axis else 1 for i in range(values.ndim)]
    tensor.quantization.scale = scales.astype(np.float32)
    schema.set_whole_numbers(model, tensor, whole * np.round(values / (whole * scales.reshape(shape))))
