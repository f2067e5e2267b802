"""Weights in a .tflite file, into a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as g
from torch import nn

from eyespot.tflite import schema
from eyespot.weights.tflite_weights import load_layers
from fuzzing import file, refusals

NETWORK = nn.Linear(2, 3)


def seeds() -> Iterator[bytes]:
    for kind in ("FLOAT32", "INT8", "UINT8", "INT16", "INT32", "FLOAT16"):
        for scales in (0, 1, 3):
            yield dense(getattr(g.TensorType, kind), scales)


def dense(kind: int, scales: int) -> bytes:
    """A file of one dense layer, weights of that type with so many scales."""
    graph = g.SubGraphT(inputs=np.array([0]), outputs=np.array([3]), tensors=[], operators=[])
    model = g.ModelT(version=3, subgraphs=[graph], buffers=[g.BufferT()], operatorCodes=[], metadata=[])
    for name, shape, values in (("x", (1, 1, 2, 1), 0), ("w", (3, 2), kind), ("b", (3,), 0), ("y", (1, 3), 0)):
        tensor = g.TensorT(name=name.encode(), shape=np.array(shape, np.int32), type=values, buffer=0)
        if name in "wb":
            tensor.buffer = len(model.buffers)
            model.buffers.append(g.BufferT(data=raw(np.ones(shape, schema.TYPES[values]))))
        graph.tensors.append(tensor)
    if scales:
        zeros = np.zeros(scales, np.int64)
        graph.tensors[1].quantization = g.QuantizationParametersT(scale=np.ones(scales, np.float32), zeroPoint=zeros)
    code = g.BuiltinOperator.FULLY_CONNECTED
    model.operatorCodes.append(g.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=1))
    graph.operators.append(g.OperatorT(opcodeIndex=0, inputs=np.array([0, 1, 2]), outputs=np.array([3])))
    return schema.pack(model)


def raw(values: Any) -> Any:
    return np.frombuffer(values.tobytes(), np.uint8)


def one(data: bytes) -> None:
    path = file(data, "weights.tflite")
    with refusals():
        load_layers(NETWORK, path)
