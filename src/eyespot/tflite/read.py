"""What a .tflite file says of itself."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from eyespot.errors import BadFileError, MissingDataError
from eyespot.preprocessing.spec import Contract
from eyespot.tflite import contract, schema
from eyespot.tflite.checks import check_graph
from eyespot.tflite.kernels import Content

# what flatbuffers and numpy raise
DAMAGE = (struct.error, IndexError, TypeError, ValueError, AttributeError, OverflowError, MemoryError, RecursionError)
LARGEST = 200_000_000  # bytes of a file: it is copied to its worker


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A tensor of the graph. real = (stored - zero_point) * scale; scale is 0 for a float tensor."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


@dataclass(frozen=True, kw_only=True)
class File(Content):
    """A .tflite file; `read` gives only those with one image in, (1, h, w, channels), and one vector out."""

    model: Any

    @property
    def content(self) -> Content:
        """What workers need to run it."""
        return Content(path=self.path, data=self.data)

    @property
    def graph(self) -> Any:
        """The main graph in the schema's object form."""
        return self.model.subgraphs[0]

    @cached_property
    def sha256(self) -> str:
        """Digest of the whole file."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def input(self) -> Tensor:
        """The first input, of a classifier the image tensor."""
        return self._tensor(self.graph.inputs[0])

    @property
    def output(self) -> Tensor:
        """The first output, of a classifier the class probabilities."""
        return self._tensor(self.graph.outputs[0])

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators' names in order of execution."""
        return tuple(schema.operator_name(self.model, operator) for operator in self.graph.operators)

    @property
    def precision(self) -> str:
        """`float32` or `int8`, as the input is."""
        return self.input.dtype

    @property
    def external_buffers(self) -> int:
        """Buffers kept outside the flatbuffer (`Buffer.offset`), which TFLM reads wrongly in silence."""
        return sum(1 for buffer in self.model.buffers if (buffer.offset or 0) > 1)

    @property
    def operations(self) -> int:
        """Twice the multiply-adds of all convolutions and dense layers for one image."""
        return 2 * sum(self.multiply_adds(operator) for operator in self.graph.operators)

    @property
    def contract(self) -> Contract | None:
        """The contract inside the file, None where there is none."""
        return contract.read(self.model)

    def _tensor(self, index: int) -> Tensor:
        tensor = self.graph.tensors[index]
        q = tensor.quantization
        scaled = q is not None and q.scale is not None and len(q.scale) > 0
        return Tensor(
            name=(tensor.name or b"").decode(),
            shape=() if tensor.shape is None else tuple(int(n) for n in tensor.shape),
            dtype=schema.TYPES.get(tensor.type, "unknown"),
            scale=float(q.scale[0]) if scaled else 0.0,
            zero_point=int(q.zeroPoint[0]) if scaled and q.zeroPoint is not None else 0,
        )

    def multiply_adds(self, operator: Any) -> int:
        """Those of one operator for one image; 0 for what is no convolution or dense layer."""
        name = schema.operator_name(self.model, operator)
        if name not in schema.WEIGHTED:
            return 0
        weights = [int(n) for n in self.graph.tensors[operator.inputs[1]].shape]
        output = [int(n) for n in self.graph.tensors[operator.outputs[0]].shape]
        per_output = prod(weights[1:3]) if name == "DEPTHWISE_CONV_2D" else prod(weights[1:])
        return prod(output) * per_output


def read(path: Path) -> File:
    """Read a classifier. BadFileError for what is not one, in one line."""
    file = read_any(path)
    check_classifier(file)
    return file


def read_any(path: Path) -> File:
    """Read a file of any task. BadFileError for what is not a whole .tflite file, in one line."""
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise BadFileError(f"{path}: {size:,} bytes; at most {LARGEST:,} are read")
        return parse(path.read_bytes(), path)
    except FileNotFoundError as error:
        raise MissingDataError(f"{path}: no such file") from error
    except OSError as error:
        raise BadFileError(f"{path}: cannot be read: {error.strerror}") from error


def parse(data: bytes, path: Path) -> File:
    """The file whose bytes are `data`. BadFileError as `read_any`."""
    if len(data) < 8 or data[4:8] != schema.IDENTIFIER:
        raise BadFileError(f"{path}: is not a .tflite file (no {schema.IDENTIFIER.decode()} at byte 4)")
    try:
        file = File(path=path, data=data, model=schema.unpack(data))
        check_graph(file.model)
        _ = file.input, file.output, file.operations, file.contract
    except DAMAGE as error:
        words = " ".join(str(error).split())[:200] if isinstance(error, ValueError) else type(error).__name__
        raise BadFileError(f"{path}: is a damaged .tflite file ({words}); fetch or make it again") from error
    return file


def _within(value: int, dtype: str) -> bool:
    limits = np.iinfo(dtype)
    return bool(limits.min <= value <= limits.max)


def check_classifier(file: File) -> None:
    """BadFileError unless there is one (1, h, w, 1 or 3) input and one (1, classes) output of known types."""
    inputs, outputs = len(file.graph.inputs), len(file.graph.outputs)
    if (inputs, outputs) != (1, 1):
        raise BadFileError(
            f"{file.path}: {inputs} inputs and {outputs} outputs, expected an image classifier's one and one"
        )
    shape, out = file.input.shape, file.output.shape
    if len(shape) != 4 or shape[0] != 1 or shape[3] not in {1, 3} or min(shape) < 1:
        raise BadFileError(f"{file.path}: input of shape {shape}, expected (1, height, width, 1 or 3)")
    if not out or out[-1] != prod(out) or out[-1] < 1:
        raise BadFileError(f"{file.path}: output of shape {out}, expected (1, classes)")
    for side, places, tensor in (("input", file.graph.inputs, file.input), ("output", file.graph.outputs, file.output)):
        q = file.graph.tensors[places[0]].quantization
        if q is not None and q.scale is not None and len(q.scale) > 1:
            raise BadFileError(f"{file.path}: {side} with {len(q.scale)} scales, expected one. Quantize it again.")
        if tensor.dtype not in {"float32", "int8", "uint8", "int16"}:
            raise BadFileError(f"{file.path}: {side} of {tensor.dtype}, expected float32, int8 or uint8")
        if tensor.dtype != "float32" and not (1e-30 < tensor.scale < 1e30):
            raise BadFileError(f"{file.path}: {side} of {tensor.dtype} without a scale. Quantize it again.")
        if tensor.dtype != "float32" and not _within(tensor.zero_point, tensor.dtype):
            raise BadFileError(f"{file.path}: {side} of {tensor.dtype} with the zero point {tensor.zero_point}")
