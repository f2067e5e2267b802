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
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")  # image, weights and bias, in this order
TYPES = {getattr(generated.TensorType, name.upper()): name for name in NUMPY}


# vectors of tables with text in them; a vector or a table may be named any number of times
VECTORS = {
    "Model": {
        "OperatorCodes": "OperatorCode", "Subgraphs": "SubGraph", "Buffers": "Buffer",
        "Metadata": "Metadata", "SignatureDefs": "SignatureDef",
        "ExternalBufferGroups": "ExternalBufferGroup", "ExternalBuffers": "ExternalBuffer",
    },
    "SubGraph": {"Tensors": "Tensor", "Operators": "Operator"},
    "SignatureDef": {"Inputs": "TensorMap", "Outputs": "TensorMap"},
}  # fmt: skip
BUDGET = 64 << 20  # bytes of an object form without its arrays, which are views of the file
TABLE = 1 << 10  # about as many bytes as a table takes
DIMENSIONS = 32


def unpack(data: bytes) -> Any:
    """The model's object form. ValueError if it is too large; flatbuffers raises anything if it is damaged."""
    return _unpack("Model", generated.Model.GetRootAs(data, 0), _Budget())


class _Budget:
    """Ends the unpacking of a small file with an endless object form."""

    def __init__(self) -> None:
        self.left = BUDGET

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise ValueError(f"more than {BUDGET // TABLE} tables")


class _Tensor(generated.Tensor):
    """A reader of a tensor with few tables in it."""

    __slots__ = ()

    def Sparsity(self) -> Any:  # noqa: N802 (flatbuffers' name)
        if (sparsity := super().Sparsity()) and sparsity.DimMetadataLength() > DIMENSIONS:
            raise ValueError(f"a tensor of more than {DIMENSIONS} dimensions")
        return sparsity

    def VariantTensorsLength(self) -> int:  # noqa: N802 (flatbuffers' name)
        if (length := super().VariantTensorsLength()) > DIMENSIONS:
            raise ValueError(f"more than {DIMENSIONS} variants of a tensor")
        return int(length)


def _unpack(kind: str, source: Any, budget: _Budget) -> Any:
    """A table as generated code unpacks it, save that it pays for all that it holds."""
    unpack = getattr(generated, f"{kind}T").InitFromObj
    if vectors := VECTORS.get(kind):
        flat = FLAT[kind]()
        flat.Init(source._tab.Bytes, source._tab.Pos)
        table = unpack(flat)
        for name, each in vectors.items():
            setattr(table, name[0].lower() + name[1:], _unpack_vector(each, source, name, budget))
    elif kind == "Tensor":
        source.__class__ = _Tensor
        table = unpack(source)
        inner = (table.variantTensors or []) + ((table.sparsity and table.sparsity.dimMetadata) or [])
        budget.spend(TABLE * len(inner))
    else:
        table = unpack(source)
    budget.spend(TABLE + _text(table))
    if kind == "Operator":
        budget.spend(_text(table.builtinOptions) + _text(table.builtinOptions2))
    return table


def _unpack_vector(kind: str, source: Any, name: str, budget: _Budget) -> list[Any] | None:
    if getattr(source, f"{name}IsNone")():
        return None
    at = getattr(source, name)
    return [_unpack(kind, at(i), budget) for i in range(getattr(source, f"{name}Length")())]


def _text(table: Any) -> int:
    """How many bytes of text a table holds itself."""
    return sum(len(value) for value in vars(table).values() if type(value) is bytes) if table else 0


FLAT: dict[str, Any] = {  # readers that show no vectors of tables
    kind: type(kind, (getattr(generated, kind),), {f"{name}IsNone": lambda _: True for name in names})
    for kind, names in VECTORS.items()
}


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
    return np.frombuffer(np.ascontiguousarray(data, np.uint8), TYPES[tensor.type]).reshape(tensor.shape)


def set_constant(model: Any, tensor: Any, values: NDArray[Any]) -> None:
    """Store values for a tensor, and their shape."""
    tensor.shape = np.asarray(values.shape, np.int32)
    model.buffers[tensor.buffer].data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)


def set_whole_numbers(model: Any, tensor: Any, values: NDArray[np.float64]) -> None:
    """Store integers for a tensor in its integer type, clipped to its range."""
    kind = np.dtype(TYPES[tensor.type])
    limits = np.iinfo(kind)
    set_constant(model, tensor, values.astype(np.float64).clip(limits.min, limits.max).astype(kind))
