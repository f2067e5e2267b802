"""Images that run through a file one operator at a time, so that a layer can change on the way."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from eyespot.tflite import schema
from eyespot.tflite.read import File
from eyespot.tflite.run import interpreter


class Stepwise:
    """A batch of images on its way; only activations that operators still have to read stay in memory."""

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
        run, inputs = _alone(self._file, operator), _activations(self._file, operator)
        return (run([self._values[i][image] for i in inputs]) for image in range(self._count))

    def used(self, constant: int) -> bool:
        """Whether an operator that has run reads the same buffer as this tensor."""
        tensors, done = self._file.graph.tensors, self._file.graph.operators[: self._done]
        buffers = {tensors[i].buffer for operator in done for i in operator.inputs if i >= 0}
        return tensors[constant].buffer in buffers


def _alone(file: File, operator: Any) -> Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]]:
    """A function from what an operator reads to what it writes, with the kernels that `watch` uses."""
    opened = interpreter(_single(file, operator), "xnnpack", keep_all=True)
    sources = [detail["index"] for detail in opened.get_input_details()]
    results = [detail["index"] for detail in opened.get_output_details()]

    def run(values: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        for index, value in zip(sources, values, strict=True):
            opened.set_tensor(index, value)
        opened.invoke()
        return [opened.get_tensor(index) for index in results]

    return run


def _single(file: File, operator: Any) -> File:
    """A file of one operator, with its tensors and their buffers."""
    tensors, buffers = file.graph.tensors, file.model.buffers
    kept = [int(i) for i in dict.fromkeys([*operator.inputs, *operator.outputs]) if i >= 0]
    place = {old: new for new, old in enumerate(kept)} | {-1: -1}
    model, graph, only = copy.copy(file.model), copy.copy(file.graph), copy.copy(operator)
    only.inputs, only.outputs = ([place[i] for i in each] for each in (operator.inputs, operator.outputs))
    graph.operators, graph.outputs = [only], only.outputs
    graph.inputs = [place[i] for i in _activations(file, operator)]
    graph.tensors = [copy.copy(tensors[i]) for i in kept]
    model.buffers = [buffers[0], *(buffers[tensor.buffer] for tensor in graph.tensors)]
    for buffer, tensor in enumerate(graph.tensors, start=1):
        tensor.buffer = buffer
    model.subgraphs, model.metadata, model.signatureDefs = [graph], None, None
    return replace(file, data=schema.pack(model), model=model)


def _activations(file: File, operator: Any) -> list[int]:
    """The tensors that an operator reads and that are no constants, by index, each once."""
    inputs = [int(i) for i in dict.fromkeys(operator.inputs) if i >= 0]
    return [i for i in inputs if schema.constant(file.model, file.graph.tensors[i]) is None]
