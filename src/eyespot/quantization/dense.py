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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.quantization.activations import constants, layers, scale_of
from eyespot.tflite import schema
from eyespot.tflite.read import File

DENSE = "FULLY_CONNECTED"
EVEN = 2  # weights and biases are multiples of it, and so are accumulators
LARGEST = 126  # the largest even int8
FIRST, FURTHER = 12, 4  # significant bits of the first scale, and how many each layer adds, of float32's 24
SAME_SCALE = {"AVERAGE_POOL_2D", "MAX_POOL_2D", "RESHAPE"}  # what they write has the scale of what they read
WRITERS = SAME_SCALE | {"CONV_2D", "DEPTHWISE_CONV_2D", DENSE, "ADD", "MUL"}  # to any scale
READERS = WRITERS | {"SOFTMAX", "LOGISTIC"}  # of any scale


def align(int8: File, float32: File) -> None:
    """Set such scales in the dense layers of an int8 file's model, from the same layers of the float32 file.

    Weights keep 32 to 63 levels a side of 127, outputs at least 8/9 of their resolution. Layers stay as
    they are that read the graph's input, have no bias or share their weights, whose input or output other
    operators tie to further tensors, and a fourth in a row: float32 has no exact scales for it.
    """
    settled: set[int] = set()  # activations whose scale another layer relies on
    for layer, real in zip(layers(int8), layers(float32), strict=True):
        if schema.operator_name(int8.model, layer) == DENSE and _may_change(int8, layer):
            _rescale(int8, layer, constants(float32, real), settled)
    _follow(int8)


def multiple(file: File, layer: Any) -> int:
    """What a layer's weights and biases are multiples of, and so must stay."""
    return 1 if any((values % EVEN).any() for values in constants(file, layer)) else EVEN


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


def _rescale(file: File, layer: Any, real: list[NDArray[Any]], settled: set[int]) -> None:
    """Set the closest such scales that clip nothing, if float32 can hold them exactly.

    `real` are the layer's float32 weights and bias.
    """
    source, output = (scale_of(file, i)[0] for i in (layer.inputs[0], layer.outputs[0]))
    source = source if layer.inputs[0] in settled else _round_up(source, FIRST)
    ratio, peak = _round_up(output / source, FURTHER), float(abs(real[0]).max())
    output = source * ratio
    if float(np.float32(output)) != output:
        return
    unit = math.ldexp(ratio, -math.floor(math.log2(LARGEST * ratio / peak))) if peak else ratio
    tied = _tied(file, layer.outputs[0])
    scales = dict.fromkeys(_tied(file, layer.inputs[0]), source) | dict.fromkeys(tied, output)
    scales |= {layer.inputs[1]: unit, layer.inputs[2]: source * unit}
    for index, scale in scales.items():
        file.graph.tensors[index].quantization.scale = np.asarray([scale], np.float32)
    for index, values in zip(layer.inputs[1:3], real, strict=True):
        stored = EVEN * np.round(values / (EVEN * scales[index]))
        schema.set_whole_numbers(file.model, file.graph.tensors[index], stored)
    settled |= tied


def _follow(file: File) -> None:
    """Rescale biases after their input scale changed."""
    for layer in layers(file):
        source, weights, bias = (file.graph.tensors[i].quantization for i in layer.inputs[:3])
        scale = np.multiply(source.scale, weights.scale, dtype=np.float64)
        if not np.allclose(scale, bias.scale, rtol=1e-6, atol=0):
            stored = np.round(constants(file, layer)[1] * (bias.scale / scale))
            schema.set_whole_numbers(file.model, file.graph.tensors[layer.inputs[2]], stored)
            bias.scale = scale.astype(np.float32)


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
