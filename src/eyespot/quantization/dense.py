"""Dense layers whose results do not depend on the kernels.

LiteRT's reference FULLY_CONNECTED rounds accumulator times scale once, in double precision; TensorFlow Lite
for Microcontrollers multiplies by a 32-bit fraction, rounds, shifts, and rounds again (both:
kernels/internal/reference/integer_ops/fully_connected.h and internal/common.h). About one logit in a hundred
differs by a step, of which a softmax makes up to nine. Where the scale is a power of two and every
accumulator is even, the first rounding has nothing to round, and both always agree.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.quantization.activations import layers
from eyespot.tflite import schema
from eyespot.tflite.read import File

DENSE = "FULLY_CONNECTED"
EVEN = 2  # weights and biases are multiples of it, and so are accumulators
LARGEST = 126  # the largest even int8
FIRST, FURTHER = 12, 4  # significant bits of the first scale, and how many each layer adds, of float32's 24
SAME_SCALE = {"AVERAGE_POOL_2D", "MAX_POOL_2D", "RESHAPE"}  # what they write has the scale of what they read
WRITERS = SAME_SCALE | {"CONV_2D", "DEPTHWISE_CONV_2D", DENSE, "ADD", "MUL"}  # to any scale
READERS = WRITERS | {"SOFTMAX", "LOGISTIC"}  # of any scale


@dataclass(frozen=True, kw_only=True)
class Scales:
    """Of a layer's input, weights and output; output / (input * weights) is a power of two."""

    input: float
    weights: float
    output: float


def align(int8: File, float32: File) -> None:
    """Set such scales in the dense layers of an int8 file's model, from the same layers of the float32 file.

    Weights keep 32 to 63 levels a side of 127, outputs at least 8/9 of their resolution. Layers stay as
    they are that read the graph's input, have no bias or share their weights, whose input or output other
    operators tie to further tensors, and a fourth in a row: float32 has no exact scales for it.
    """
    settled: set[int] = set()  # activations whose scale another layer relies on
    for layer, real in zip(layers(int8), layers(float32), strict=True):
        if schema.operator_name(int8.model, layer) != DENSE:
            continue
        values, biases = (schema.constant(float32.model, float32.graph.tensors[i]) for i in real.inputs[1:3])
        if values is None or biases is None or not _may_change(int8, layer):
            continue
        if scales := _scales(int8, layer, float(abs(values).max()), settled):
            _write(int8, layer, scales, values, biases)
            settled |= _tied(int8, layer.outputs[0])
    _follow(int8)


def multiple(file: File, layer: Any) -> int:
    """What a layer's weights and biases are multiples of, and so must stay."""
    stored = (schema.constant(file.model, file.graph.tensors[i]) for i in layer.inputs[1:3])
    return 1 if any(values is None or (values % EVEN).any() for values in stored) else EVEN


def _may_change(file: File, layer: Any) -> bool:
    """Whether nothing else depends on a dense layer's scales."""
    tensors, operators = file.graph.tensors, file.graph.operators
    before, after = (_tied(file, i) for i in (layer.inputs[0], layer.outputs[0]))
    scaled = before | after
    readers = {schema.operator_name(file.model, o) for o in operators if scaled & set(o.inputs)}
    writers = {schema.operator_name(file.model, o) for o in operators if scaled & set(o.outputs)}
    uses = Counter(tensors[i].buffer for o in operators for i in o.inputs if i >= 0)
    return (
        not before & set(file.graph.inputs)
        and readers <= READERS
        and writers <= WRITERS
        and all(uses[tensors[i].buffer] == 1 for i in layer.inputs[1:3])
    )


def _scales(file: File, layer: Any, peak: float, settled: set[int]) -> Scales | None:
    """The closest such scales that clip nothing; None if float32 cannot hold them exactly."""
    before, output = (_scale(file, i) for i in (layer.inputs[0], layer.outputs[0]))
    before = before if layer.inputs[0] in settled else _round_up(before, FIRST)
    ratio = _round_up(output / before, FURTHER)
    shift = math.floor(math.log2(LARGEST * ratio / peak)) if peak else 0
    scales = Scales(input=before, weights=math.ldexp(ratio, -shift), output=before * ratio)
    return scales if float(np.float32(scales.output)) == scales.output else None


def _write(
    file: File, layer: Any, scales: Scales, values: NDArray[np.float32], biases: NDArray[np.float32]
) -> None:
    """Store the scales, and the weights and biases in them."""
    for index, scale in ((layer.inputs[0], scales.input), (layer.outputs[0], scales.output)):
        for tied in _tied(file, index):
            _set_scale(file, tied, scale)
    both = scales.input * scales.weights
    for index, real, scale in ((layer.inputs[1], values, scales.weights), (layer.inputs[2], biases, both)):
        _set_scale(file, index, scale)
        stored = EVEN * np.round(real / (EVEN * scale))
        schema.set_whole_numbers(file.model, file.graph.tensors[index], stored)


def _follow(file: File) -> None:
    """Rescale biases after their input scale changed."""
    for layer in layers(file):
        source, weights, bias = (file.graph.tensors[i] for i in layer.inputs[:3])
        before, stored = bias.quantization.scale, schema.constant(file.model, bias)
        scale = np.multiply(source.quantization.scale, weights.quantization.scale, dtype=np.float64)
        if stored is not None and not np.allclose(scale, before, rtol=1e-6, atol=0):
            schema.set_whole_numbers(file.model, bias, np.round(stored * (before / scale)))
            bias.quantization.scale = scale.astype(np.float32)


def _round_up(value: float, bits: int) -> float:
    """Round up to `bits` significant bits."""
    fraction, exponent = math.frexp(value)
    return math.ldexp(math.ceil(math.ldexp(fraction, bits)), exponent - bits)


def _tied(file: File, tensor: int) -> set[int]:
    """The activations that must have this one's scale, itself among them."""
    pairs = [
        {int(o.inputs[0]), int(o.outputs[0])}
        for o in file.graph.operators
        if schema.operator_name(file.model, o) in SAME_SCALE
    ]
    tied = {int(tensor)}
    while more := {i for pair in pairs if pair & tied for i in pair} - tied:
        tied |= more
    return tied


def _scale(file: File, index: int) -> float:
    return float(file.graph.tensors[index].quantization.scale[0])


def _set_scale(file: File, index: int, value: float) -> None:
    file.graph.tensors[index].quantization.scale = np.asarray([value], np.float32)
