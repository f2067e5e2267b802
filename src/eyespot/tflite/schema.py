"""The object form of a .tflite flatbuffer: bytes to `ModelT` and back."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as generated
from numpy.typing import NDArray

IDENTIFIER = b"TFL3"

OPERATORS = {code: name for name, code in vars(generated.BuiltinOperator).items() if name.isupper()}
NUMPY = ("float32", "float16", "int8", "uint8", "int16", "int32", "int64", "bool")
TYPES = {getattr(generated.TensorType, name.upper()): name for name in NUMPY}


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
            if array.dtype == np.uint8 and array.size:
                self.Prep(16, array.size)
            self._offsets[key] = super().CreateNumpyVector(array)
        return self._offsets[key]


def operator_name(model: Any, operator: Any) -> str:
    """`CONV_2D`, ..., or `custom:NAME`; safe to print. Old files keep the code in the deprecated field."""
    code = model.operatorCodes[operator.opcodeIndex]
    name = OPERATORS.get(max(code.builtinCode, code.deprecatedBuiltinCode), "unknown")
    if name != "CUSTOM":
        return name
    return f"custom:{''.join(filter(str.isprintable, code.customCode.decode()))}"


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
