"""Repairs files from the converter and the quantizer, so that every runtime accepts them.

Each step modifies the schema's object form in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as generated

from eyespot.preprocessing.spec import Contract
from eyespot.tflite import contract as contracts
from eyespot.tflite import schema

Operator = generated.BuiltinOperator


def repair(data: bytes) -> Any:
    """The object form of a file from a converter or quantizer, repaired."""
    model = schema.unpack(data)
    inline_buffers(model, data)
    restore_first_convolution(model)
    shorten_names(model)
    return model


def finish(model: Any, contract: Contract, provenance: Mapping[str, Any]) -> bytes:
    """The bytes of an object form, with the contract in its metadata, without unused parts. Deterministic."""
    model.metadata = [m for m in model.metadata or [] if m.name == b"min_runtime_version"]
    contracts.write(model, contract, provenance)
    drop_unused(model)
    return schema.pack(model)


def inline_buffers(model: Any, data: bytes) -> None:
    """Move weights back into the flatbuffer. litert-quantizer puts those from 256 KB on behind it.

    TFLM aborts on such files or silently computes wrong results, and OpenVINO rejects them.
    """
    for buffer in model.buffers:
        if (buffer.offset or 0) > 1:
            buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0


def restore_first_convolution(model: Any) -> None:
    """Turn a DEPTHWISE_CONV_2D over one channel back into the CONV_2D of the network."""
    graph = model.subgraphs[0]
    for operator in graph.operators:
        if schema.operator_name(model, operator) != "DEPTHWISE_CONV_2D":
            continue
        if graph.tensors[operator.inputs[0]].shape[3] == 1:
            _transpose_depthwise(model, graph.tensors[operator.inputs[1]])
            operator.builtinOptions = _as_conv(operator.builtinOptions)
            operator.builtinOptionsType = generated.BuiltinOptions.Conv2DOptions
            operator.opcodeIndex = _code_index(model, Operator.CONV_2D)


def _transpose_depthwise(model: Any, weights: Any) -> None:
    """(1, h, w, c) depthwise weights to (c, h, w, 1), and the channel axis of their scales."""
    values = schema.constant(model, weights)
    assert values is not None, "convolution weights are constants"  # noqa: S101
    schema.set_constant(model, weights, values.transpose(3, 1, 2, 0))
    if weights.quantization is not None and weights.quantization.scale is not None:
        weights.quantization.quantizedDimension = 0


def _as_conv(depthwise: Any) -> Any:
    options = generated.Conv2DOptionsT()
    names = "padding strideW strideH fusedActivationFunction dilationWFactor dilationHFactor"
    for name in names.split():
        setattr(options, name, getattr(depthwise, name))
    return options


def _code_index(model: Any, builtin: int) -> int:
    """Index of an operator code, added if missing (version 3: int8 per channel)."""
    for index, code in enumerate(model.operatorCodes):
        if max(code.builtinCode, code.deprecatedBuiltinCode) == builtin:
            return index
    code = generated.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 3
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def shorten_names(model: Any) -> None:
    """Name tensors `t0`, `t1`, ... In a MobileNetV2, litert-torch's names take 139 KB."""
    for index, tensor in enumerate(model.subgraphs[0].tensors):
        tensor.name = f"t{index}".encode()


def drop_unused(model: Any) -> None:
    """Drop unused operator codes and buffers and renumber the rest. Empty buffers become buffer 0."""
    graph = model.subgraphs[0]
    used = sorted({operator.opcodeIndex for operator in graph.operators})
    for operator in graph.operators:
        operator.opcodeIndex = used.index(operator.opcodeIndex)
    model.operatorCodes = [model.operatorCodes[index] for index in used]
    owners = [*graph.tensors, *model.metadata]
    filled = sorted({o.buffer for o in owners if o.buffer and _size(model.buffers[o.buffer])})
    index = {old: new for new, old in enumerate(filled, start=1)}
    for owner in owners:
        owner.buffer = index.get(owner.buffer, 0)
    model.buffers = [generated.BufferT(), *(model.buffers[old] for old in filled)]


def _size(buffer: Any) -> int:
    return 0 if buffer.data is None else len(buffer.data)
