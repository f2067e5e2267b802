"""Bias correction: rounding weights shifts each channel's mean; the bias can take the shift back.

Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019,
section 4.2, here with measured instead of derived means.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.progress import track
from eyespot.quantization.activations import MEANS, channel_means, constants, layers, scale_of
from eyespot.quantization.dense import multiple
from eyespot.tflite import schema
from eyespot.tflite.read import File
from eyespot.tflite.run import interpreter


def correct(int8: File, means: Sequence[NDArray[np.float64]], tensors: NDArray[np.int8]) -> None:
    """Shift the int32 biases in an int8 file's model so that each channel's mean is the float32 file's.

    `means` are the float32 file's, as `observe` measures them; `tensors` (n, h, w, c) are the same images
    as the int8 file takes them. Layer by layer, as each correction changes what the next layer sees.
    """
    tensors, corrected = tensors[:MEANS], set()
    images = Stepwise(int8, tensors)
    for layer, wanted in track(zip(layers(int8), means, strict=True), len(means), "bias correction"):
        images.run_until(layer)
        scale, zero_point = scale_of(int8, layer.outputs[0])
        stored = sum(channel_means(outputs[0]) for outputs in images.outputs(layer)) / len(tensors)
        shift(int8, layer, wanted - (stored - zero_point) * scale)
        bias = int8.graph.tensors[layer.inputs[2]].buffer
        if bias in corrected:  # the shift changed an earlier layer too
            images = Stepwise(int8, tensors)
        corrected.add(bias)


def shift(file: File, layer: Any, amount: NDArray[np.float64]) -> None:
    """Add real amounts (channels,) to a layer's int32 bias, whose scale is its input's times its weights'."""
    bias, (_, stored) = file.graph.tensors[layer.inputs[2]], constants(file, layer)
    whole = multiple(file, layer)
    steps = whole * np.round(amount / np.asarray(bias.quantization.scale, np.float64) / whole)
    schema.set_whole_numbers(file.model, bias, stored + steps)


class Stepwise:
    """Images that run through a file one operator at a time, so that a layer can change on the way.

    Only activations that operators still have to read stay in memory.
    """

    def __init__(self, file: File, tensors: NDArray[Any]) -> None:
        """Start before the first operator, with input tensors (n, h, w, c)."""
        self._file, self._done, self._count = file, 0, len(tensors)
        self._values = {int(file.graph.inputs[0]): [tensor[None] for tensor in tensors]}

    def run_until(self, operator: Any) -> None:
        """Run all operators before this one, with the constants that the file has now."""
        operators = self._file.graph.operators
        while (current := operators[self._done]) is not operator:
            images = zip(*self.outputs(current), strict=True)
            self._values |= {int(i): list(values) for i, values in zip(current.outputs, images, strict=True)}
            self._done += 1
            needed = {int(i) for later in operators[self._done :] for i in later.inputs}
            self._values = {i: values for i, values in self._values.items() if i in needed}

    def outputs(self, operator: Any) -> Iterator[list[NDArray[Any]]]:
        """What the next operator writes, image by image. It counts as run only after `run_until`."""
        file, read = _single(self._file, operator)
        opened = interpreter(file, "xnnpack", keep_all=True)
        for image in range(self._count):
            for index, source in zip(file.graph.inputs, read, strict=True):
                opened.set_tensor(index, self._values[source][image])
            opened.invoke()
            yield [opened.get_tensor(index) for index in file.graph.outputs]


def _single(file: File, operator: Any) -> tuple[File, list[int]]:
    """A file of one operator with its tensors and their buffers, and the activations that it reads."""
    tensors, buffers = file.graph.tensors, file.model.buffers
    kept = [int(i) for i in dict.fromkeys([*operator.inputs, *operator.outputs]) if i >= 0]
    read = [i for i in kept if i in operator.inputs and schema.constant(file.model, tensors[i]) is None]
    place = {old: new for new, old in enumerate(kept)} | {-1: -1}
    model, graph, only = copy.copy(file.model), copy.copy(file.graph), copy.copy(operator)
    only.inputs, only.outputs = ([place[i] for i in each] for each in (operator.inputs, operator.outputs))
    graph.operators, graph.inputs, graph.outputs = [only], [place[i] for i in read], only.outputs
    graph.tensors = [copy.copy(tensors[i]) for i in kept]
    model.buffers = [buffers[0], *(buffers[tensor.buffer] for tensor in graph.tensors)]
    for buffer, tensor in enumerate(graph.tensors, start=1):
        tensor.buffer = buffer
    model.subgraphs, model.metadata, model.signatureDefs = [graph], None, None
    return replace(file, data=schema.pack(model), model=model), read
