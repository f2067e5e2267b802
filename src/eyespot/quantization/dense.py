"""Dense layers whose results do not depend on the kernels.

LiteRT's reference FULLY_CONNECTED rounds accumulator times scale once, in double precision; TensorFlow Lite
for Microcontrollers multiplies by a 32-bit fraction, rounds, shifts, and rounds again (both:
kernels/internal/reference/integer_ops/fully_connected.h and internal/common.h). About one logit in a hundred
differs by a step, of which a softmax makes up to nine. Where the scale is a power of two and every
accumulator is even, the first rounding has nothing to round, and both always agree.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from eyespot.quantization.activations import layers
from eyespot.tflite import schema
from eyespot.tflite.read import File

DENSE = "FULLY_CONNECTED"
EVEN = 2  # weights and biases are multiples of it, and so are accumulators
LARGEST = 126
SAME_SCALE = {"AVERAGE_POOL_2D", "MAX_POOL_2D", "RESHAPE"}  # operators whose output has their input's scale
FIRST, FURTHER = 12, 4  # significant bits of the first scale, and how many each layer adds, of float32's 24


def align(int8: File, float32: File) -> File:
    """The int8 file with such scales in its dense layers, from the same layers of the float32 file.

    Weights keep at least 63 levels a side, outputs at least 8/9 of their resolution. A layer on the
    graph's input and a fourth dense layer in a row stay as they are.
    """
    for layer, real in zip(layers(int8), layers(float32), strict=True):
        if grain(int8, layer) == EVEN:
            _align(int8, layer, float32, real)
    return replace(int8, data=schema.pack(int8.model))


def grain(file: File, layer: Any) -> int:
    """What a layer's biases are multiples of."""
    return EVEN if schema.operator_name(file.model, layer) == DENSE else 1


def _align(int8: File, layer: Any, float32: File, real: Any) -> None:
    """Output scale / (input scale * weight scale) becomes a power of two; weights and biases even."""
    given, weights, bias = (int8.graph.tensors[i] for i in layer.inputs[:3])
    before, after = _tied(int8, layer.inputs[0]), _tied(int8, layer.outputs[0])
    behind = any(DENSE in _writers(int8, tensor) for tensor in before)
    step = _scale(given) if behind else _round_up(_scale(given), FIRST)
    ratio = _round_up(_scale(int8.graph.tensors[layer.outputs[0]]) / step, FURTHER)
    values, biases = (schema.constant(float32.model, float32.graph.tensors[i]) for i in real.inputs[1:3])
    exact = float(np.float32(step * ratio)) == step * ratio
    if not exact or int8.graph.inputs[0] in before or values is None or biases is None:
        return
    unit = ratio * 2.0 ** -math.floor(math.log2(LARGEST * ratio / max(abs(values).max(), 1e-9)))
    _set_scales(int8, before, step)
    _set_scales(int8, after, step * ratio)
    for tensor, wanted, size in ((weights, values, unit), (bias, biases, unit * step)):
        tensor.quantization.scale = np.asarray([size], np.float32)
        stored = EVEN * np.round(wanted / (EVEN * size))
        schema.set_constant(int8.model, tensor, stored.astype(schema.TYPES[tensor.type]))


def _round_up(value: float, bits: int) -> float:
    """The least number of so many significant bits that is no smaller."""
    fraction, exponent = math.frexp(value)
    return math.ldexp(math.ceil(math.ldexp(fraction, bits)), exponent - bits)


def _tied(file: File, tensor: int) -> set[int]:
    """The activations that must have this one's scale, itself among them."""
    pairs = [
        {int(o.inputs[0]), int(o.outputs[0])}
        for o in file.graph.operators
        if schema.operator_name(file.model, o) in SAME_SCALE
    ]
    found = {int(tensor)}
    while more := {i for pair in pairs if pair & found for i in pair} - found:
        found |= more
    return found


def _writers(file: File, tensor: int) -> set[str]:
    """Names of the operators that write a tensor."""
    return {schema.operator_name(file.model, o) for o in file.graph.operators if tensor in o.outputs}


def _scale(tensor: Any) -> float:
    return float(tensor.quantization.scale[0])


def _set_scales(file: File, tensors: set[int], value: float) -> None:
    for index in tensors:
        file.graph.tensors[index].quantization.scale = np.asarray([value], np.float32)
