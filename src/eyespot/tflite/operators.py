"""What rules can ask of an operator, and how much memory the activations take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from eyespot.errors import BadFileError
from eyespot.tflite import schema
from eyespot.tflite.read import File

Values = tuple[Any, ...]

# where an operator has its image, its weights and its bias; others have images alone
PLACES = {
    "CONV_2D": (0, 1, 2),
    "DEPTHWISE_CONV_2D": (0, 1, 2),
    "FULLY_CONNECTED": (0, 1, 2),
    "TRANSPOSE_CONV": (2, 1, 3),
}
PADDINGS = ("SAME", "VALID")
ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")


@dataclass(frozen=True, kw_only=True)
class Operand:
    """A tensor that an operator takes or gives; `values` are a constant's, where they lie in the file."""

    shape: tuple[int, ...]
    dtype: str
    scales: Values
    zero_points: Values
    constant: bool
    values: Any


@dataclass(frozen=True, kw_only=True)
class Operator:
    """An operator of a file, with the options as the schema names them."""

    name: str
    inputs: tuple[Operand | None, ...]
    outputs: tuple[Operand, ...]
    options: Any

    def option(self, name: str) -> Values:
        """An option's value, () where the operator has no such option."""
        return (getattr(self.options, name),) if hasattr(self.options, name) else ()

    @property
    def images(self) -> tuple[Operand, ...]:
        """The inputs that are no weights, bias or parameters."""
        chosen = self.inputs[PLACES[self.name][0] :][:1] if self.name in PLACES else self.inputs
        return tuple(each for each in chosen if each is not None and not each.constant)

    def at(self, place: int) -> tuple[Operand, ...]:
        """The weights (1) or the bias (2), () where there are none."""
        index = PLACES[self.name][place] if self.name in PLACES else len(self.inputs)
        return tuple(each for each in self.inputs[index : index + 1] if each is not None)


def operators(file: File) -> tuple[Operator, ...]:
    """The operators of a file's main graph, in order of execution. BadFileError for a damaged one."""
    try:
        return tuple(_operator(file, told) for told in file.graph.operators)
    except (IndexError, TypeError, ValueError) as error:
        raise BadFileError(f"{file.path}: is a damaged .tflite file ({error}); make it again") from error


def _operator(file: File, told: Any) -> Operator:
    def operand(index: int) -> Operand:
        return _operand(file, file.graph.tensors[index])

    return Operator(
        name=schema.operator_name(file.model, told),
        inputs=tuple(operand(i) if i >= 0 else None for i in told.inputs),
        outputs=tuple(operand(i) for i in told.outputs),
        options=told.builtinOptions,
    )


def _operand(file: File, told: Any) -> Operand:
    q = told.quantization
    values = schema.constant(file.model, told) if told.type in schema.TYPES else None
    return Operand(
        shape=tuple(int(n) for n in told.shape) if told.shape is not None else (),
        dtype=schema.TYPES.get(told.type, "unknown"),
        scales=_tuple(q.scale if q else None),
        zero_points=_tuple(q.zeroPoint if q else None),
        constant=values is not None or _stored(file.model.buffers[told.buffer]),
        values=values,
    )


def _stored(buffer: Any) -> bool:
    """Whether a buffer holds something, in the flatbuffer or behind it."""
    return (buffer.offset or 0) > 1 or (buffer.data is not None and len(buffer.data) > 0)


def _tuple(values: Any) -> Values:
    return () if values is None else tuple(values)


def _types(operands: tuple[Operand, ...]) -> Values:
    return tuple(each.dtype for each in operands)


def _kernel(operator: Operator) -> Values:
    """Height and width of a convolution's kernel, dilated."""
    for weights in operator.at(1):
        if len(weights.shape) == 4:
            factors = (*operator.option("dilationHFactor"), *operator.option("dilationWFactor")) or (1, 1)
            return tuple((n - 1) * by + 1 for n, by in zip(weights.shape[1:3], factors, strict=True))
    return ()


def _area(sides: Values) -> Values:
    return (prod(sides),) if sides else ()


def _filter(operator: Operator) -> Values:
    return (*operator.option("filterHeight"), *operator.option("filterWidth"))


def _scales(operator: Operator) -> Values:
    """Numbers of scales; a bias has those of the weights and counts for nothing."""
    return tuple(len(each.scales) for each in (*operator.images, *operator.at(1), *operator.outputs))


def _weight_sum(operator: Operator) -> Values:
    """The largest sum of absolute weights of an output channel."""
    axis = 3 if operator.name == "DEPTHWISE_CONV_2D" else 0
    for weights in operator.at(1):
        if weights.values is not None and weights.dtype in {"int8", "uint8"} and len(weights.shape) > axis:
            zero = weights.zero_points[0] if weights.zero_points else 0
            absolute = np.abs(weights.values.astype(np.int64) - zero)
            return (int(np.moveaxis(absolute, axis, 0).reshape(weights.shape[axis], -1).sum(1).max()),)
    return ()


def _groups(operator: Operator) -> Values:
    """Input channels by those of the filter."""
    if operator.name != "CONV_2D":
        return ()
    shapes = [each.shape for each in (*operator.images, *operator.at(1)) if len(each.shape) == 4]
    return (shapes[0][3] // shapes[1][3],) if len(shapes) == 2 and shapes[1][3] else ()


def _covered(operator: Operator) -> Values:
    shapes = [each.shape for each in operator.inputs if each is not None]
    return tuple(each.shape in shapes for each in operator.outputs)


def _named(names: tuple[str, ...], values: Values) -> Values:
    return tuple(names[value] for value in values if value < len(names))


def _both(one: Values, other: Values) -> Values:
    """Both, where there are both to compare."""
    return (*one, *other) if one and other else ()


# what a rule's `field` means: all values that an operator has there, () where it has none
WORDS: dict[str, Callable[[Operator], Values]] = {
    "type": lambda o: _types((*o.images, *o.outputs)),
    "input type": lambda o: _types(o.images),
    "output type": lambda o: _types(o.outputs),
    "weight type": lambda o: _types(o.at(1)),
    "bias type": lambda o: _types(o.at(2)),
    "input and weight type": lambda o: _both(_types(o.images), _types(o.at(1))),
    "input and output type": lambda o: _both(_types(o.images), _types(o.outputs)),
    "input and output quantization": lambda o: tuple(
        (each.scales, each.zero_points) for each in (*o.images, *o.outputs)
    ),
    "padding": lambda o: _named(PADDINGS, o.option("padding")),
    "activation": lambda o: _named(ACTIVATIONS, o.option("fusedActivationFunction")),
}
NUMBERS: dict[str, Callable[[Operator], Values]] = {
    "bias rank": lambda o: tuple(len(each.shape) for each in o.at(2)),
    "an input has the output's shape": _covered,
    "rank": lambda o: tuple(len(each.shape) for each in (*o.inputs, *o.outputs) if each is not None),
    "size": lambda o: tuple(n for each in (*o.images, *o.at(1), *o.outputs) for n in each.shape),
    "size after the first": lambda o: tuple(n for each in (*o.images, *o.outputs) for n in each.shape[1:]),
    "batch": lambda o: tuple(each.shape[0] for each in o.images if len(each.shape) == 4),
    "scales": _scales,
    "input rank": lambda o: tuple(len(each.shape) for each in o.images),
    "stride height": lambda o: o.option("strideH"),
    "stride": lambda o: (*o.option("strideH"), *o.option("strideW")),
    "kernel height": lambda o: _kernel(o)[:1],
    "kernel area": lambda o: _area(_kernel(o)),
    "filter": _filter,
    "filter height": lambda o: _filter(o)[:1],
    "filter area": lambda o: _area(_filter(o)),
    "beta": lambda o: o.option("beta"),
    "weights are constant": lambda o: tuple(each.constant for each in o.at(1)),
    "parameters are constant": lambda o: tuple(each.constant for each in o.inputs[1:] if each),
    "weight sum": _weight_sum,
    "groups": _groups,
    "depth multiplier": lambda o: o.option("depthMultiplier"),
    "input channels": lambda o: tuple(each.shape[3] for each in o.images if len(each.shape) == 4),
}
FIELDS = WORDS | NUMBERS


def peak_activations(file: File) -> int | None:
    """The most bytes of activations at one time, in the file's order; None where a type has no size."""
    steps = file.graph.operators
    last = {int(i): 0 for i in file.graph.inputs}
    last |= {int(i): step for step, told in enumerate(steps) for i in (*told.inputs, *told.outputs)}
    last |= {int(i): len(steps) for i in file.graph.outputs}
    live, peak = {int(i) for i in file.graph.inputs}, 0
    for step, told in enumerate(steps):
        live |= {int(i) for i in told.outputs}
        operands = [_operand(file, file.graph.tensors[i]) for i in live]
        if any(each.dtype == "unknown" for each in operands):
            return None
        peak = max(peak, sum(prod(each.shape) * np.dtype(each.dtype).itemsize for each in operands))
        live = {i for i in live if last[i] > step}
    return peak
