"""Equal ranges for the channels of an activation, which benchmarks/int8.py compares; eyespot itself does not do this.

Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019, section 4.1, with the
measured ranges of activations: weights have a scale per channel and need no equal ranges.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.quantization.activations import constants, layers, watch
from eyespot.tflite import schema
from eyespot.tflite.read import File, parse

TIED = {"ADD", "AVERAGE_POOL_2D", "MAX_POOL_2D"}  # their output has the factors of their inputs
NONE, RELU, RELU6 = 0, 1, 3  # the schema's activations
MOST = 16.0
STRENGTH = 0.5  # as much of a factor stays in the activation; the weights that read it take the rest

Peaks = dict[int, NDArray[np.float32]]


def equalise(file: File, tensors: NDArray[np.float32], *, relu6: bool) -> File:
    """A float32 file that computes the same from `tensors` (n, h, w, c), with channels of more equal ranges.

    With `relu6` also behind ReLU6, which then cuts off what exceeds a channel's maximum on `tensors`.
    """
    model = schema.unpack(file.data)
    groups = [group for group in _groups(file) if _may_scale(file, group, relu6)]
    peaks: Peaks = {i: np.zeros(file.graph.tensors[i].shape[-1], np.float32) for group in groups for i in group}
    for image in watch(file, list(peaks), tensors):
        for i, values in zip(peaks, image, strict=True):
            peaks[i] = np.maximum(peaks[i], np.abs(values).reshape(-1, values.shape[-1]).max(0))
    result = File(path=file.path, data=file.data, model=model)
    for group in groups:
        _scale(result, group, _factor(file, group, peaks))
    return parse(schema.pack(model), file.path)


def _factor(file: File, group: set[int], peaks: Peaks) -> NDArray[np.float32]:
    """What the channels of a group of activations are multiplied by."""
    shares = np.max([peaks[i] / max(peaks[i].max(), 1e-9) for i in group], 0)
    readers = {schema.operator_name(file.model, o) for o in file.graph.operators if int(o.inputs[0]) in group}
    free = readers == {"DEPTHWISE_CONV_2D"}  # its weights have a scale for each channel that it reads
    factor = np.maximum(shares, 1 / MOST) ** -(1 if free else STRENGTH)
    if any(_fused(o) == RELU6 for o in file.graph.operators if set(map(int, o.outputs)) & group):
        return np.clip(factor, 1, np.maximum(6 / np.maximum(np.max([peaks[i] for i in group], 0), 1e-9), 1))
    return factor


def _fused(operator: Any) -> int:
    return getattr(operator.builtinOptions, "fusedActivationFunction", NONE)


def _groups(file: File) -> list[set[int]]:
    """Activations that operators tie to the same factors."""
    groups: list[set[int]] = []
    for o in file.graph.operators:
        tied = schema.operator_name(file.model, o) in TIED
        group = {int(i) for i in [*(o.inputs if tied else ()), *o.outputs]}
        groups = [g for g in groups if not g & group] + [group.union(*(g for g in groups if g & group))]
    return groups


def _may_scale(file: File, group: set[int], relu6: bool) -> bool:
    """Whether only layers, and what ties activations, write and read a group."""
    known = [id(o) for o in layers(file)]
    for o in file.graph.operators:
        written, name = group & set(map(int, o.outputs)), schema.operator_name(file.model, o)
        if not (written or group & set(map(int, o.inputs))):
            continue
        if id(o) not in known and name not in TIED:
            return False
        if written and _fused(o) not in ({NONE, RELU, RELU6} if relu6 and name not in TIED else {NONE, RELU}):
            return False
    return not group & {*map(int, file.graph.inputs), *map(int, file.graph.outputs)}


def _scale(file: File, group: set[int], factor: NDArray[np.float32]) -> None:
    """Multiply the channels of a group, and divide the weights that read them."""
    for o in layers(file):
        tensors = [file.graph.tensors[i] for i in o.inputs[1:3]]
        if int(o.outputs[0]) in group:
            weights, bias = constants(file, o)
            last = schema.operator_name(file.model, o) == "DEPTHWISE_CONV_2D"
            filters = factor if last else factor.reshape(-1, *[1] * (weights.ndim - 1))
            schema.set_constant(file.model, tensors[0], (weights * filters).astype(np.float32))
            schema.set_constant(file.model, tensors[1], (bias * factor).astype(np.float32))
        if int(o.inputs[0]) in group:
            schema.set_constant(file.model, tensors[0], (constants(file, o)[0] / factor).astype(np.float32))
