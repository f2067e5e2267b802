"""What rules can ask of an operator."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, partial
from math import prod
from typing import Any

import numpy as np

from eyespot.errors import BadFileError
from eyespot.tflite import schema
from eyespot.tflite.read import File

Values = tuple[Any, ...]

# the places of an operator's image, weights and bias among its inputs; others have images only
PLACES = dict.fromkeys(schema.WEIGHTED, (0, 1, 2))
PLACES |= {"TRANSPOSE_CONV": (2, 1, 3)}
PADDINGS = ("SAME", "VALID")
SIZES = {name: np.dtype(name).itemsize for name in schema.TYPES.values()}
ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")


@dataclass(frozen=True, kw_only=True)
class Operand:
    """A tensor that an operator reads or writes; `values` are a constant's, if they lie in the flatbuffer.

    `index` is its place among the graph's tensors.
    """

    index: int
    shape: tuple[int, ...]
    dtype: str
    scales: Values
    zero_points: Values
    constant: bool
    values: Any

    @property
    def bytes(self) -> int | None:
        """Its size, None for a type without one."""
        return prod(self.shape) * SIZES[self.dtype] if self.dtype in SIZES else None


@dataclass(frozen=True, kw_only=True)
class Operator:
    """An operator of a file, with the options as the schema names them.

    `producers` made its images, in their order; None stands for an input of the graph.
    """

    name: str
    inputs: tuple[Operand | None, ...]
    outputs: tuple[Operand, ...]
    options: Any
    producers: tuple[Operator | None, ...] = field(default=(), compare=False, repr=False)

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
    operand, made, result = cache(partial(_operand, file)), dict[int, Operator](), list[Operator]()
    with _refusing_damage(file):
        for entry in file.graph.operators:
            operator = _operator(file, entry, operand)
            operator = replace(operator, producers=tuple(made.get(each.index) for each in operator.images))
            made |= {each.index: operator for each in operator.outputs}
            result.append(operator)
    return tuple(result)


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
        index=index, shape=tuple(map(int, _tuple(tensor.shape))), dtype=dtype,
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


def _parameters(operator: Operator) -> tuple[Operand, ...]:
    """The second input, if its values lie in the file."""
    return tuple(each for each in operator.inputs[1:2] if each and each.values is not None)


def _padded(operator: Operator) -> Values:
    """The axes that a PAD makes longer."""
    tables = [each.values for each in _parameters(operator)]
    rows = tables[0] if operator.name == "PAD" and tables and tables[0].ndim == 2 else ()
    return tuple(axis for axis, row in enumerate(rows) if any(row))


def _axes(operator: Operator) -> Values:
    """The constant axes of a reduction, counted from the front, as one sorted list."""
    values = [each.values for each in _parameters(operator) if each.dtype in {"int32", "int64"}]
    ranks = [len(each.shape) for each in operator.images]
    return (sorted(int(axis) % ranks[0] for axis in np.ravel(values[0])),) if values and ranks and ranks[0] else ()


def _made_by(operator: Operator) -> tuple[str, ...]:
    return tuple(each.name if each else "an input" for each in operator.producers)


def _named(names: tuple[str, ...], values: Values) -> Values:
    return tuple(names[value] for value in values if 0 <= value < len(names))


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
    "made by": _made_by,
    "made by, after": lambda o: tuple(f"{p.name} after {name}" for p in o.producers if p for name in _made_by(p)),
    "axes": _axes,
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
    "padded axes": _padded,
    "groups": _groups,
    "depth multiplier": lambda o: o.option("depthMultiplier"),
    "output channels": lambda o: tuple(t.shape[-1] for t in o.outputs if t.shape),
    "input channels": lambda o: tuple(t.shape[3] for t in o.images if len(t.shape) == 4),
}
FIELDS = WORDS | NUMBERS
