"""What rules can ask of an operator, and how much memory the activations take."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from math import prod
from typing import Any

import numpy as np

from eyespot.errors import BadFileError
from eyespot.tflite import schema
from eyespot.tflite.read import File

Values = tuple[Any, ...]

# the places of an operator's image, weights and bias among its inputs; others have images only
PLACES = dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"), (0, 1, 2))
PLACES |= {"TRANSPOSE_CONV": (2, 1, 3)}
PADDINGS = ("SAME", "VALID")
ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")


@dataclass(frozen=True, kw_only=True)
class Operand:
    """A tensor that an operator reads or writes; `values` are a constant's, if they lie in the flatbuffer."""

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

    def option(self, *names: str) -> Values:
        """The values of those options that the operator has."""
        return tuple(getattr(self.options, name) for name in names if hasattr(self.options, name))

    def at(self, place: int) -> tuple[Operand, ...]:
        """The image (0), the weights (1) or the bias (2), () if there are none."""
        index = PLACES[self.name][place] if self.name in PLACES else len(self.inputs)
        return tuple(each for each in self.inputs[index : index + 1] if each is not None)

    @property
    def images(self) -> tuple[Operand, ...]:
        """The inputs that are no weights, bias or parameters."""
        inputs = self.at(0) if self.name in PLACES else self.inputs
        return tuple(each for each in inputs if each is not None and not each.constant)

    @property
    def activations(self) -> tuple[Operand, ...]:
        """The images and the outputs."""
        return self.images + self.outputs


def operators(file: File) -> tuple[Operator, ...]:
    """The operators of a file's main graph, in order of execution. BadFileError for a damaged one."""
    operand = cache(partial(_operand, file))
    with _refusing_damage(file):
        return tuple(_operator(file, entry, operand) for entry in file.graph.operators)


def peak_activations(file: File) -> int | None:
    """Most bytes of activations alive at once, None if a type has no size. Errors as `operators`."""
    with _refusing_damage(file):
        graph, steps = file.graph, file.graph.operators
        last = {i: step for step, each in enumerate(steps) for i in (*each.inputs, *each.outputs)}
        last |= dict.fromkeys(graph.outputs, len(steps))
        live, peak, total = dict[int, int](), 0, 0
        for step, each in enumerate(steps):
            new = (*each.outputs, *(() if step else graph.inputs))
            for i in set(new) - live.keys():
                tensor = graph.tensors[i]
                if tensor.type not in schema.TYPES:
                    return None
                live[i] = prod(map(int, _tuple(tensor.shape))) * np.dtype(schema.TYPES[tensor.type]).itemsize
                total += live[i]
            peak = max(peak, total)
            total -= sum(live.pop(i) for i in {*new, *each.inputs} & live.keys() if last.get(i, 0) <= step)
        return peak


@contextlib.contextmanager
def _refusing_damage(file: File) -> Iterator[None]:
    try:
        yield
    except (IndexError, TypeError, ValueError) as error:
        raise BadFileError(f"{file.path}: is a damaged .tflite file ({error}); make it again") from error


def _operator(file: File, entry: Any, operand: Callable[[int], Operand]) -> Operator:
    return Operator(
        name=schema.operator_name(file.model, entry), options=entry.builtinOptions,
        inputs=tuple(operand(i) if i >= 0 else None for i in entry.inputs),
        outputs=tuple(map(operand, entry.outputs)),
    )  # fmt: skip


def _operand(file: File, index: int) -> Operand:
    tensor = file.graph.tensors[index]
    q, buffer = tensor.quantization, file.model.buffers[tensor.buffer]
    dtype, zero_points = schema.TYPES.get(tensor.type, "unknown"), _tuple(q and q.zeroPoint)
    if not all(-128 <= each <= 255 for each in zero_points) and dtype in {"int8", "uint8"}:
        raise ValueError("a zero point beyond 8 bits")
    stored = (buffer.offset or 0) > 1 or (buffer.data is not None and len(buffer.data) > 0)
    return Operand(
        shape=tuple(map(int, _tuple(tensor.shape))), dtype=dtype,
        scales=_tuple(q and q.scale), zero_points=zero_points, constant=stored,
        values=schema.constant(file.model, tensor) if tensor.type in schema.TYPES else None,
    )  # fmt: skip


def _tuple(values: Any) -> Values:
    return () if values is None else tuple(values)


def _types(operands: tuple[Operand, ...]) -> Values:
    return tuple(each.dtype for each in operands)


def _ranks(operands: tuple[Operand | None, ...]) -> Values:
    return tuple(len(each.shape) for each in operands if each is not None)


def _kernel(operator: Operator) -> Values:
    """Height and width of a convolution's kernel, dilated."""
    factors = operator.option("dilationHFactor", "dilationWFactor") or (1, 1)
    shapes = [each.shape for each in operator.at(1) if len(each.shape) == 4]
    return tuple((n - 1) * by + 1 for shape in shapes for n, by in zip(shape[1:3], factors, strict=True))


def _area(sides: Values) -> Values:
    return (prod(sides),) if sides else ()


def _weight_sum(operator: Operator) -> Values:
    """The largest sum of absolute weights of an output channel."""
    axis = 3 if operator.name == "DEPTHWISE_CONV_2D" else 0
    for weights in operator.at(1):
        if weights.values is not None and weights.dtype in {"int8", "uint8"} and len(weights.shape) > axis:
            absolute = weights.values.astype(np.int16)
            absolute -= np.int16((weights.zero_points or (0,))[0])
            others = tuple(i for i in range(absolute.ndim) if i != axis)
            return (int(np.abs(absolute, out=absolute).sum(others, np.int64).max()),)
    return ()


def _groups(operator: Operator) -> Values:
    """Input channels by those of the filter."""
    operands = (*operator.images, *operator.at(1)) if operator.name == "CONV_2D" else ()
    channels = [each.shape[3] for each in operands if len(each.shape) == 4]
    return (channels[0] // channels[1],) if len(channels) == 2 and channels[1] else ()


def _named(names: tuple[str, ...], values: Values) -> Values:
    return tuple(names[value] for value in values if value < len(names))


# what a rule's `field` means: all values that an operator has there, () if it has none
WORDS: dict[str, Callable[[Operator], Values]] = {
    "type": lambda o: _types(o.activations),
    "input type": lambda o: _types(o.images),
    "output type": lambda o: _types(o.outputs),
    "weight type": lambda o: _types(o.at(1)),
    "bias type": lambda o: _types(o.at(2)),
    "input and weight type": lambda o: _types((*o.images, *o.at(1))) if o.images and o.at(1) else (),
    "input and output type": lambda o: _types(o.activations) if o.images and o.outputs else (),
    "input and output quantization": lambda o: tuple((t.scales, t.zero_points) for t in o.activations),
    "padding": lambda o: _named(PADDINGS, o.option("padding")),
    "activation": lambda o: _named(ACTIVATIONS, o.option("fusedActivationFunction")),
}
NUMBERS: dict[str, Callable[[Operator], Values]] = {
    "bias rank": lambda o: _ranks(o.at(2)),
    "an input has the output's shape": lambda o: tuple(
        any(t and t.shape == output.shape for t in o.inputs) for output in o.outputs
    ),
    "rank": lambda o: _ranks((*o.inputs, *o.outputs)),
    "size": lambda o: tuple(n for t in (*o.images, *o.at(1), *o.outputs) for n in t.shape),
    "size after the first": lambda o: tuple(n for t in o.activations for n in t.shape[1:]),
    "batch": lambda o: tuple(t.shape[0] for t in o.images if len(t.shape) == 4),
    # a bias has as many scales as the weights and counts for nothing
    "scales": lambda o: tuple(len(t.scales) for t in (*o.images, *o.at(1), *o.outputs)),
    "input rank": lambda o: _ranks(o.images),
    "stride height": lambda o: o.option("strideH"),
    "stride": lambda o: o.option("strideH", "strideW"),
    "kernel height": lambda o: _kernel(o)[:1],
    "kernel area": lambda o: _area(_kernel(o)),
    "filter": lambda o: o.option("filterHeight", "filterWidth"),
    "filter height": lambda o: o.option("filterHeight"),
    "filter area": lambda o: _area(o.option("filterHeight", "filterWidth")),
    "beta": lambda o: o.option("beta"),
    "weights are constant": lambda o: tuple(t.constant for t in o.at(1)),
    "parameters are constant": lambda o: tuple(t.constant for t in o.inputs[1:] if t),
    "weight sum": _weight_sum,
    "groups": _groups,
    "depth multiplier": lambda o: o.option("depthMultiplier"),
    "input channels": lambda o: tuple(t.shape[3] for t in o.images if len(t.shape) == 4),
}
FIELDS = WORDS | NUMBERS
