"""Small .tflite files with an endless object form: in a flatbuffer, a table may be named any number of times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as g

from eyespot.tflite.read import parse
from eyespot.tflite.schema import IDENTIFIER, OPERATORS

CODES = {name: code for code, name in OPERATORS.items()}


def table(b: flatbuffers.Builder, kind: str, **fields: int) -> int:
    getattr(g, f"{kind}Start")(b)
    for name, value in fields.items():
        getattr(g, f"{kind}Add{name}")(b, value)
    return int(getattr(g, f"{kind}End")(b))


def vector(b: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return int(b.EndVector())


def finish(b: flatbuffers.Builder, **fields: int) -> bytes:
    """A model of these fields."""
    b.Finish(table(b, "Model", Version=3, **fields), IDENTIFIER)
    return bytes(b.Output())


def graph(
    b: flatbuffers.Builder, tensors: Sequence[int], operators: Sequence[int] = (), ends: Sequence[int] = (0,)
) -> int:
    places = b.CreateNumpyVector(np.array(ends, np.int32))
    return table(
        b, "SubGraph", Tensors=vector(b, tensors), Inputs=places, Outputs=places, Operators=vector(b, operators)
    )


def subgraphs(n: int) -> bytes:
    b = flatbuffers.Builder()
    tensor = table(b, "Tensor", Name=b.CreateString("x"))
    return finish(b, Subgraphs=vector(b, n * [graph(b, n * [tensor])]))


def names(n: int) -> bytes:
    b = flatbuffers.Builder()
    tensor = table(b, "Tensor", Name=b.CreateString("x" * 10 * n))
    return finish(b, Subgraphs=vector(b, [graph(b, n * [tensor])]))


def variants(n: int) -> bytes:
    b = flatbuffers.Builder()
    tensor = table(b, "Tensor", VariantTensors=vector(b, n * [table(b, "VariantSubType")]))
    return finish(b, Subgraphs=vector(b, [graph(b, n * [tensor])]))


def sparse(n: int) -> bytes:
    b = flatbuffers.Builder()
    dimensions = vector(b, n * [table(b, "DimensionMetadata")])
    tensor = table(b, "Tensor", Sparsity=table(b, "SparsityParameters", DimMetadata=dimensions))
    return finish(b, Subgraphs=vector(b, [graph(b, n * [tensor])]))


def signatures(n: int) -> bytes:
    b = flatbuffers.Builder()
    maps = vector(b, n * [table(b, "TensorMap", Name=b.CreateString("x" * n))])
    return finish(b, SignatureDefs=vector(b, n * [table(b, "SignatureDef", Inputs=maps, Outputs=maps)]))


def metadata(n: int) -> bytes:
    b = flatbuffers.Builder()
    return finish(b, Metadata=vector(b, n * [table(b, "Metadata", Name=b.CreateString("x" * n))]))


def options(n: int) -> bytes:
    b = flatbuffers.Builder()
    text = b.CreateString("x" * 10 * n)
    call = table(b, "StablehloCustomCallOptions", CallTargetName=text, BackendConfig=text)
    kind = g.BuiltinOptions2.StablehloCustomCallOptions
    operator = table(b, "Operator", BuiltinOptions2Type=kind, BuiltinOptions2=call)
    return finish(b, Subgraphs=vector(b, [graph(b, [], n * [operator])]))


def _operators(
    b: flatbuffers.Builder, n: int, inputs: int, code: str = "ADD", name: str = "", scales: int = 1, weights: int = 1
) -> bytes:
    """A chain of `n` operators with the same inputs, of which the first is named `inputs` times."""
    numbers = b.CreateNumpyVector(np.ones(scales, np.float32))
    zeros = b.CreateNumpyVector(np.zeros(scales, np.int64))
    q = table(b, "QuantizationParameters", Scale=numbers, ZeroPoint=zeros)
    side = b.CreateNumpyVector(np.array([1, 1, 1, weights], np.int32))
    x = table(b, "Tensor", Shape=side, Type=g.TensorType.INT8, Buffer=1, Quantization=q)
    y = table(b, "Tensor", Shape=side, Type=g.TensorType.INT8, Buffer=0, Quantization=q)
    ins = b.CreateNumpyVector(np.array([0, 1] * inputs, np.int32))
    outs = b.CreateNumpyVector(np.array([2], np.int32))
    fields = {"OpcodeIndex": 0, "Inputs": ins, "Outputs": outs}
    if code == "CONV_2D":
        made = table(b, "Conv2DOptions", StrideW=1, StrideH=1)
        fields |= {"BuiltinOptionsType": g.BuiltinOptions.Conv2DOptions, "BuiltinOptions": made}
    operator = table(b, "Operator", **fields)
    named = {"CustomCode": b.CreateString(name)} if name else {}
    codes = vector(b, [table(b, "OperatorCode", BuiltinCode=CODES[code], **named)])
    data = b.CreateNumpyVector(np.zeros(weights, np.uint8))
    buffers = vector(b, [table(b, "Buffer"), table(b, "Buffer", Data=data)])
    main = graph(b, [x, x, y], n * [operator])
    return finish(b, OperatorCodes=codes, Subgraphs=vector(b, [main]), Buffers=buffers)


def operators(n: int) -> bytes:
    return _operators(flatbuffers.Builder(), 3 * n, 1)


def inputs(n: int) -> bytes:
    return _operators(flatbuffers.Builder(), n, n)


def scales(n: int) -> bytes:
    return _operators(flatbuffers.Builder(), n, 1, scales=10 * n)


def custom(n: int) -> bytes:
    return _operators(flatbuffers.Builder(), n, 1, "CUSTOM", "x" * 10 * n)


def weights(n: int) -> bytes:
    return _operators(flatbuffers.Builder(), n, 1, "CONV_2D", weights=100 * n)


def dimensions(n: int) -> bytes:
    b = flatbuffers.Builder()
    shape = b.CreateNumpyVector(np.full(n, 2**31 - 1, np.int32))
    tensor = table(b, "Tensor", Shape=shape, Type=g.TensorType.INT8)
    buffers = vector(b, [table(b, "Buffer")])
    return finish(b, Subgraphs=vector(b, [graph(b, n * [tensor])]), Buffers=buffers)


ENDLESS: tuple[Callable[[int], bytes], ...] = (
    subgraphs, names, variants, sparse, signatures, metadata, options, operators, inputs, scales, custom, weights,
    dimensions,
)  # fmt: skip


def parse_endless(name: str, n: int) -> str:
    """Parse a file, whose size grows with `n`, as a worker does; its operators' number."""
    return str(len(parse(globals()[name](n), Path("x.tflite")).operators))
