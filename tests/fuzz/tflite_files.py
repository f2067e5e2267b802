"""Small valid .tflite files, which fuzzing starts from, and mutations of their object form."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as g

from eyespot.preprocessing.spec import Contract, Preprocessing
from eyespot.tflite import contract, schema

CODES = {name: code for code, name in schema.OPERATORS.items()}
FLOAT, INT8, INT32 = g.TensorType.FLOAT32, g.TensorType.INT8, g.TensorType.INT32
CONTRACT = Contract(
    model="tiny", preprocessing=Preprocessing(height=8, width=8, order="gray"), classes=("cat", "dog")
)  # fmt: skip
WORDS = (-1, 0, 1, 2, 127, 255, 65_535, 2**31 - 1, -(2**31))


class Model:
    """An object form that grows; `operator` takes the places of tensors."""

    def __init__(self) -> None:
        self.form, self.graph = g.ModelT(version=3), g.SubGraphT(tensors=[], operators=[])
        self.form.subgraphs, self.form.buffers, self.form.operatorCodes = [self.graph], [g.BufferT()], []
        self.form.metadata = []

    def tensor(
        self, shape: tuple[int, ...], kind: int, values: bool = False, scales: int = 1, scale: float = 1, zero: int = 0
    ) -> int:
        tensor = g.TensorT(shape=np.array(shape, np.int32), type=kind, buffer=0, name=b"t")
        if kind in {INT8, INT32}:
            tensor.quantization = g.QuantizationParametersT(
                scale=np.full(scales, scale, np.float32), zeroPoint=np.full(scales, zero, np.int64)
            )
        if values:
            tensor.buffer = len(self.form.buffers)
            data = np.ones(shape, schema.TYPES[kind])
            self.form.buffers.append(g.BufferT(data=np.frombuffer(data.tobytes(), np.uint8)))
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def operator(self, name: str, inputs: list[int], outputs: list[int], options: str = "", **fields: int) -> None:
        code = g.OperatorCodeT(builtinCode=CODES[name], deprecatedBuiltinCode=min(CODES[name], 127), version=1)
        code.customCode = b"Thing" if name == "CUSTOM" else None
        operator = g.OperatorT(opcodeIndex=len(self.form.operatorCodes))
        operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        if options:
            operator.builtinOptionsType = getattr(g.BuiltinOptions, options)
            operator.builtinOptions = getattr(g, f"{options}T")(**fields)
        self.form.operatorCodes.append(code)
        self.graph.operators.append(operator)

    def pack(self, inputs: list[int], outputs: list[int]) -> bytes:
        self.graph.inputs, self.graph.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        return schema.pack(self.form)


def classifier(kind: int = INT8) -> bytes:
    """Gray 8x8 to two classes: convolutions, pooling, dense layer, softmax; with a contract."""
    m, bias = Model(), INT32 if kind == INT8 else FLOAT
    x = m.tensor((1, 8, 8, 1), kind, zero=-128)
    wide, deep, small = (m.tensor((1, n, n, 2), kind) for n in (8, 8, 1))
    flat, y = m.tensor((1, 2), kind), m.tensor((1, 2), kind, scale=1 / 256, zero=-128)
    weights = m.tensor((2, 3, 3, 1), kind, True, 2), m.tensor((1, 3, 3, 2), kind, True, 2), m.tensor((2, 2), kind, True)
    if kind == INT8:
        m.graph.tensors[weights[1]].quantization.quantizedDimension = 3
    biases = [m.tensor((2,), bias, True, scales) for scales in (2, 2, 1)]
    m.operator("CONV_2D", [x, weights[0], biases[0]], [wide], "Conv2DOptions", strideW=1, strideH=1)
    fields = {"strideW": 1, "strideH": 1, "depthMultiplier": 1}
    m.operator("DEPTHWISE_CONV_2D", [wide, weights[1], biases[1]], [deep], "DepthwiseConv2DOptions", **fields)
    fields = {"strideW": 8, "strideH": 8, "filterWidth": 8, "filterHeight": 8}
    m.operator("AVERAGE_POOL_2D", [deep], [small], "Pool2DOptions", **fields)
    m.operator("FULLY_CONNECTED", [small, weights[2], biases[2]], [flat], "FullyConnectedOptions")
    m.operator("SOFTMAX", [flat], [y], "SoftmaxOptions", beta=1)
    contract.write(m.form, CONTRACT, {"verb": "convert", "arguments": {"weights": "x"}, "inputs": {"weights": "0"}})
    return m.pack([x], [y])


def odd() -> bytes:
    """Operators that classifiers seldom have, with a variable, an absent input and a second graph."""
    m = Model()
    x, y, z = m.tensor((1, 4, 4, 2), INT8), m.tensor((1, 8, 8, 2), INT8), m.tensor((1, 8, 8, 4), INT8)
    weights, shape = m.tensor((2, 2, 2, 2), INT8, True), m.tensor((4,), INT32, True)
    state = m.tensor((1, 2), FLOAT)
    m.graph.tensors[state].isVariable = True
    m.operator("TRANSPOSE_CONV", [shape, weights, x], [y], "TransposeConvOptions", strideW=2, strideH=2)
    m.operator("CONCATENATION", [y, y], [z], "ConcatenationOptions", axis=3)
    m.operator("ADD", [z, z], [z], "AddOptions")
    m.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", [z, -1, weights, state], [z], "UnidirectionalSequenceLSTMOptions")
    m.operator("CUSTOM", [z], [z])
    m.form.subgraphs.append(m.graph)
    m.form.signatureDefs = [g.SignatureDefT(inputs=[g.TensorMapT(name=b"x", tensorIndex=x)], signatureKey=b"s")]
    return m.pack([x], [z])


def mutate(data: bytes, chance: random.Random) -> bytes | None:
    """A file with one to four other values in its object form; None if it has none, or what it has does not pack."""
    try:
        form = schema.unpack(data)
        for _ in range(chance.randint(1, 4)):
            _change(form, chance)
        return schema.pack(form)
    except Exception:
        return None


def _change(table: Any, chance: random.Random) -> None:
    """Go down a random way and change a value at its end."""
    while True:
        name = chance.choice([name for name, value in vars(table).items() if value is not None])
        value = getattr(table, name)
        if isinstance(value, list) and value and chance.random() < 0.9:
            value = chance.choice(value)
        if hasattr(value, "Pack") and chance.random() < 0.97:
            table = value
            continue
        setattr(table, name, _other(getattr(table, name), chance))
        return


def _other(value: Any, chance: random.Random) -> Any:
    if isinstance(value, np.ndarray) and value.size and chance.random() < 0.7:
        value = np.resize(value, chance.choice([len(value)] * 4 + [0, 1, len(value) + 1, 2 * len(value)]))
        if value.size:
            with np.errstate(all="ignore"):
                value[chance.randrange(len(value))] = np.array(chance.choice(WORDS)).astype(value.dtype)
        return value
    if isinstance(value, list):
        return chance.choice([value[:1], value[1:], value * 2, value[::-1], None])
    if isinstance(value, int | float) and not isinstance(value, bool):
        return chance.choice([*WORDS, value + 1, value - 1])
    return None if not isinstance(value, bytes) else chance.choice([b"", b"x" * 300, b"\xff", value + b"\n"])
