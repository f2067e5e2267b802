"""Intermediate tensors of a file while images run through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.progress import track
from eyespot.tflite import schema
from eyespot.tflite.read import File
from eyespot.tflite.run import as_function, interpreter

MEANS = 50  # so many images' means are enough to correct biases

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What images show: every activation's minimum and maximum by name, zero included; layers' means.

    `means` holds each channel's mean (channels,) over the first MEANS images, layer by layer.
    """

    extremes: dict[str, Range]
    means: list[NDArray[np.float64]]


def observe(file: File, tensors: NDArray[Any]) -> Observed:
    """Run input tensors (n, h, w, c) through a file once."""
    wanted, written = names(file), [output_name(file, layer) for layer in layers(file)]
    look = watch(file, wanted)
    low, high = np.zeros(len(wanted)), np.zeros(len(wanted))
    means: dict[str, list[NDArray[np.float64]]] = {name: [] for name in written}
    for tensor in track(tensors, len(tensors), "ranges"):
        for i, (name, values) in enumerate(zip(wanted, look(tensor), strict=True)):
            low[i], high[i] = min(low[i], values.min()), max(high[i], values.max())
            if name in means and len(means[name]) < MEANS:
                means[name].append(channel_means(values))
    extremes = {name: (float(low[i]), float(high[i])) for i, name in enumerate(wanted)}
    return Observed(extremes=extremes, means=[average(means[name]) for name in written])


def channel_means(values: NDArray[Any]) -> NDArray[np.float64]:
    """Mean of each channel (the last axis), as stored."""
    means: NDArray[np.float64] = values.reshape(-1, values.shape[-1]).mean(0, dtype=np.float64)
    return means


def average(means: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean over images, added in their order."""
    return sum(means[1:], means[0]) / len(means)


def names(file: File) -> tuple[str, ...]:
    """The graph's input and every operator's output, by tensor name."""
    graph = file.graph
    indices = [*graph.inputs, *(output for operator in graph.operators for output in operator.outputs)]
    return tuple(graph.tensors[i].name.decode() for i in indices)


def watch(file: File, wanted: tuple[str, ...]) -> Callable[[NDArray[Any]], Iterator[NDArray[Any]]]:
    """A function from an input tensor to the values of the wanted tensors, as stored."""
    opened = interpreter(file, "xnnpack", keep_all=True)
    index = {detail["name"]: detail["index"] for detail in opened.get_tensor_details()}
    run = as_function(file, opened)

    def look(tensor: NDArray[Any]) -> Iterator[NDArray[Any]]:
        run(tensor)
        return (opened.get_tensor(index[name]) for name in wanted)

    return look


def scale_of(file: File, name: str) -> tuple[float, int]:
    """Scale and zero point of an activation of an int8 file."""
    tensor = next(t for t in file.graph.tensors if t.name.decode() == name)
    return float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])


def output_name(file: File, layer: Any) -> str:
    """Name of the tensor that an operator writes."""
    name: str = file.graph.tensors[layer.outputs[0]].name.decode()
    return name


def layers(file: File) -> tuple[Any, ...]:
    """The operators with weights and a bias, in order of execution."""
    kinds = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
    found = (o for o in file.graph.operators if schema.operator_name(file.model, o) in kinds)
    return tuple(o for o in found if len(o.inputs) > 2 and o.inputs[2] >= 0)
