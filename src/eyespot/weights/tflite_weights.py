"""Weights of a .tflite file, float or quantised, into a network.

real = (stored - zero_point) * scale (TensorFlow Lite's quantization specification), with one scale for
the tensor or one per slice along its `quantizedDimension`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from eyespot.errors import BadFileError
from eyespot.networks.layers import Layer, layers_and_norms
from eyespot.tflite import schema
from eyespot.tflite.read import File, read
from eyespot.weights.state_dicts import fill

Array = NDArray[np.float32]

AXES = {  # a filter's axes in PyTorch's order
    "CONV_2D": (0, 3, 1, 2),
    "DEPTHWISE_CONV_2D": (3, 0, 1, 2),
    "FULLY_CONNECTED": (0, 1),
}


def load_layers(network: nn.Module, path: Path) -> None:
    """Copy the convolutions and dense layers of `path` into the network's, in order of execution.

    In such files batch norm is folded into the preceding convolution, so each norm becomes an identity
    that adds the bias. If there are 1,001 classes, the first (ImageNet's "background") is dropped.
    BadFileError if the file is no classifier or belongs to another model, or if a scale is missing.
    """
    file = read(path)
    operators = [o for o in file.graph.operators if schema.operator_name(file.model, o) in AXES]
    layers = layers_and_norms(network)
    if len(operators) != len(layers):
        counts = f"expected {len(layers)} convolutions and dense layers, found {len(operators)}"
        raise BadFileError(f"{path}: {counts}; weights of another model?")
    for index, (operator, (layer, norm)) in enumerate(zip(operators, layers, strict=True)):
        _fill(layer, norm, *_real_weights(file, operator), f"{path}: layer {index}")


def _real_weights(file: File, operator: Any) -> tuple[Array, Array]:
    """Weights with axes in PyTorch's order, and the bias (zeros if the operator has none)."""
    weights = real_values(file, operator.inputs[1])
    weights = weights.transpose(AXES[schema.operator_name(file.model, operator)])
    biases = [real_values(file, index) for index in operator.inputs[2:3] if index >= 0]
    return weights, biases[0] if biases else np.zeros(len(weights), np.float32)


def real_values(file: File, index: int) -> Array:
    """The real values of a constant tensor. BadFileError if the file does not define them."""
    tensor = file.graph.tensors[index]
    where = f"{file.path}: tensor {(tensor.name or b'').decode(errors='replace')}"
    try:
        stored = schema.constant(file.model, tensor)
    except (KeyError, ValueError) as error:
        message = f"{where}: does not hold what its type and shape say. Fetch the file again."
        raise BadFileError(message) from error
    if stored is None:
        raise BadFileError(f"{where}: expected constant weights, found an activation")
    return stored if stored.dtype == np.float32 else _dequantised(stored, tensor.quantization, where)


def _dequantised(stored: NDArray[Any], quantization: Any, where: str) -> Array:
    scale = _numbers(quantization and quantization.scale)
    zero_point = _numbers(quantization and quantization.zeroPoint)
    axis = quantization.quantizedDimension if len(scale) > 1 else 0
    channels = stored.shape[axis] if axis < stored.ndim else 1
    if len(scale) not in {1, channels} or len(zero_point) not in {0, len(scale)}:
        raise BadFileError(
            f"{where}: {stored.dtype} with {len(scale)} scales and {len(zero_point)} zero points, "
            f"expected 1 or {channels} of each"
        )
    slices = [-1 if i == axis else 1 for i in range(stored.ndim)]
    zero = zero_point.reshape(slices) if len(zero_point) else 0
    return ((stored - zero) * scale.reshape(slices)).astype(np.float32)


def _numbers(values: Any) -> NDArray[np.float64]:
    return np.asarray(() if values is None else values, np.float64)


def _fill(layer: Layer, norm: nn.BatchNorm2d | None, weights: Array, bias: Array, where: str) -> None:
    if isinstance(layer, nn.Linear):
        if weights.shape[2:] == (1, 1):  # TF-slim's dense layers are convolutions
            weights = weights.reshape(weights.shape[:2])
        if (len(weights), layer.out_features) == (1001, 1000):
            weights, bias = weights[1:], bias[1:]
    if norm is None:
        fill(layer, {"weight": weights, "bias": bias}, where)
        return
    zeros, ones = np.zeros_like(bias), np.ones_like(bias)
    fill(layer, {"weight": weights} | ({} if layer.bias is None else {"bias": zeros}), where)
    identity = {"weight": ones, "bias": bias, "running_mean": zeros, "running_var": ones - norm.eps}
    fill(norm, identity, where)
