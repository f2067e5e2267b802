"""Intermediate tensors of a file while images run through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from numpy.typing import NDArray

from eyespot.tflite import schema
from eyespot.tflite.read import File
from eyespot.tflite.run import as_function, interpreter


def names(file: File) -> tuple[str, ...]:
    """The graph's input and every operator's output, by tensor name."""
    graph = file.graph
    indices = [*graph.inputs, *(output for operator in graph.operators for output in operator.outputs)]
    return tuple(graph.tensors[i].name.decode() for i in indices)


def watch(file: File, wanted: tuple[str, ...]) -> Callable[[NDArray[Any]], Iterator[NDArray[Any]]]:
    """A function from an input tensor to the values of the wanted tensors, as stored."""
    opened = interpreter(file, "xnnpack", keep_all=True)
    index = {detail["name"]: detail["index"] for detail in opened.get_tensor_details()}
    run = as_function(opened)

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
