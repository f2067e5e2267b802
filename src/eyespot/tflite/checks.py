"""What must hold in a main graph, so that nothing that reads it fails or works for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eyespot.tflite import schema

NUMBERS = 1 << 20  # sizes, scales, zero points and letters that the operators name, counted each time
CONSTANTS = 1 << 29  # bytes of weights that they name, counted each time

_POOLING = dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"), "Pool2DOptions")
OPTIONS = {  # of operators that cannot run without: their strides are 1 or more
    "CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions", **_POOLING,
}  # fmt: skip


def check_graph(model: Any) -> None:
    """ValueError for a place outside the file, an absurd shape, wrong options, or weights named too often."""
    graph = model.subgraphs[0]
    sizes = [_check_tensor(model, tensor) for tensor in graph.tensors]
    _check_places("input", graph.inputs, 0, len(sizes))
    _check_places("output", graph.outputs, 0, len(sizes))
    numbers = constants = 0
    for operator in graph.operators:
        name = _check_operator(model, operator, len(sizes))
        numbers += len(name)
        for place in _places(operator):
            numbers += sizes[place][0]
            constants += sizes[place][1]
        if numbers > NUMBERS or constants > CONSTANTS:
            raise ValueError("its operators name the same values too often")


def _check_tensor(model: Any, tensor: Any) -> tuple[int, int]:
    """How many numbers describe a tensor, and its constant's bytes."""
    shape = () if tensor.shape is None else tensor.shape.tolist()
    if len(shape) > schema.DIMENSIONS or min(shape, default=0) < 0:
        raise ValueError(f"a tensor of {len(shape)} dimensions, the least {min(shape)}")
    q, data = tensor.quantization, model.buffers[tensor.buffer].data
    vectors = [] if q is None else [each for each in (q.scale, q.zeroPoint) if each is not None]
    return 1 + len(shape) + sum(map(len, vectors)), 0 if data is None else len(data)


def _check_operator(model: Any, operator: Any, tensors: int) -> str:
    """The operator's name."""
    name = schema.operator_name(model, operator)
    _check_places(f"input of {name}", operator.inputs, -1, tensors)
    _check_places(f"output of {name}", operator.outputs, 0, tensors)
    expected, found = OPTIONS.get(name), type(operator.builtinOptions).__name__
    if expected and found != f"{expected}T":
        raise ValueError(f"{name} with {found}")
    return name


def _check_places(what: str, places: Any, least: int, tensors: int) -> None:
    for place in places.tolist():
        if not least <= place < tensors:
            raise ValueError(f"{what} is tensor {place} of {tensors}")


def _places(operator: Any) -> Iterator[int]:
    """The tensors that an operator names, once for each time."""
    yield from (place for place in operator.inputs.tolist() if place >= 0)
    yield from operator.outputs.tolist()
