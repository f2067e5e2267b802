"""The object form of a .tflite flatbuffer: bytes to `ModelT` and back."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as generated
from numpy.typing import NDArray

IDENTIFIER = b"TFL3"

OPERATORS = {
    code: name
    for name, code in vars(generated.BuiltinOperator).items()
    if not name.startswith("_") and isinstance(code, int)
}
TYPES = {
    generated.TensorType.FLOAT32: "float32",
    generated.TensorType.FLOAT16: "float16",
    generated.TensorType.INT8: "int8",
    generated.TensorType.UINT8: "uint8",
    generated.TensorType.INT16: "int16",
    generated.TensorType.INT32: "int32",
    generated.TensorType.INT64: "int64",
    generated.TensorType.BOOL: "bool",
}


def unpack(data: bytes) -> Any:
    """The model's object form. If `data` is damaged, flatbuffers raises various exceptions."""
    return generated.ModelT.InitFromObj(generated.Model.GetRootAs(data, 0))


def pack(model: Any) -> bytes:
    """The bytes of a model, equal vectors stored once and buffers aligned to 16 as the schema requires."""
    builder = _SharingBuilder(1024)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


class _SharingBuilder(flatbuffers.Builder):
    """Fixes `Pack`, which stores every scale vector again and ignores `force_align: 16`."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._offsets: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: Any) -> int:  # noqa: N802 (flatbuffers' name)
        array = np.asarray(x)
        key = (array.dtype.str, array.tobytes())
        if key not in self._offsets:
            aligned = array.dtype == np.uint8 and array.size
            self._offsets[key] = self._aligned_vector(key[1]) if aligned else super().CreateNumpyVector(array)
        return self._offsets[key]

    def _aligned_vector(self, data: bytes) -> int:
        self.StartVector(1, len(data), 16)
        self.head -= len(data)
        self.Bytes[self.head : self.head + len(data)] = data
        self.vectorNumElems = len(data)
        offset: int = self.EndVector()
        return offset


def operator_code(model: Any, operator: Any) -> int:
    """The number of the builtin operator. Old files keep it in the deprecated field."""
    code = model.operatorCodes[operator.opcodeIndex]
    return max(code.builtinCode, code.deprecatedBuiltinCode)


def operator_name(model: Any, operator: Any) -> str:
    """`CONV_2D`, ..., or `custom:NAME`; safe to print."""
    name = OPERATORS.get(operator_code(model, operator), "unknown")
    if name != "CUSTOM":
        return name
    custom = model.operatorCodes[operator.opcodeIndex].customCode.decode()
    return f"custom:{''.join(filter(str.isprintable, custom))}"


def constant(model: Any, tensor: Any) -> NDArray[Any] | None:
    """The values that the file stores for a tensor, in its shape; None for an activation."""
    data = model.buffers[tensor.buffer].data
    if data is None or not len(data):
        return None
    return np.frombuffer(np.asarray(data, np.uint8).tobytes(), TYPES[tensor.type]).reshape(tensor.shape)


def set_constant(model: Any, tensor: Any, values: NDArray[Any]) -> None:
    """Store values for a tensor, and their shape."""
    tensor.shape = np.asarray(values.shape, np.int32)
    model.buffers[tensor.buffer].data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)


def set_whole_numbers(model: Any, tensor: Any, values: NDArray[np.float64]) -> None:
    """Store integers for a tensor in its integer type, clipped to its range."""
    kind = np.dtype(TYPES[tensor.type])
    limits = np.iinfo(kind)
    set_constant(model, tensor, values.astype(np.float64).clip(limits.min, limits.max).astype(kind))
