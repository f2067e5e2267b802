"""Repairs files from converters, the quantizer and publishers, so that every runtime accepts them.

Each step modifies the schema's object form in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as generated
from numpy.typing import NDArray

from eyespot.errors import RefusedError
from eyespot.preprocessing.spec import Contract
from eyespot.tflite import contract as contracts
from eyespot.tflite import schema

Operator = generated.BuiltinOperator
WITH_BACKGROUND = 1001


def repair(data: bytes) -> Any:
    """The object form of a file from a converter or quantizer, repaired."""
    model = schema.unpack(data)
    inline_buffers(model, data)
    restore_first_convolution(model)
    for index, tensor in enumerate(model.subgraphs[0].tensors):
        tensor.name = f"t{index}".encode()  # in a MobileNetV2, litert-torch's names take 139 KB
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
    names = "padding strideW strideH fusedActivationFunction dilationWFactor dilationHFactor"
    return generated.Conv2DOptionsT(**{name: getattr(depthwise, name) for name in names.split()})


def _code_index(model: Any, builtin: int) -> int:
    """Index of an operator code, added if missing (version 3: int8 per channel)."""
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    if builtin not in codes:
        codes.append(builtin)
        code = generated.OperatorCodeT(builtinCode=builtin, deprecatedBuiltinCode=builtin, version=3)
        model.operatorCodes.append(code)
    return codes.index(builtin)


def leave_out_softmax(model: Any, path: Path) -> None:
    """Make the input of the last softmax the output. RefusedError if the file does not end in one."""
    graph = model.subgraphs[0]
    last = graph.operators[-1]
    name = schema.operator_name(model, last)
    if name != "SOFTMAX" or list(graph.outputs) != list(last.outputs):
        raise RefusedError(f"{path}: expected SOFTMAX as the last operator, found {name}: quantize it without --logits")
    logits, dropped = int(last.inputs[0]), int(last.outputs[0])
    graph.operators.pop()
    del graph.tensors[dropped]

    def moved(indices: Any) -> NDArray[np.int32]:
        found = [logits if i == dropped else int(i) for i in indices]
        return np.array([i - (i > dropped) for i in found], np.int32)

    graph.inputs, graph.outputs = moved(graph.inputs), moved(graph.outputs)
    for operator in graph.operators:
        operator.inputs, operator.outputs = moved(operator.inputs), moved(operator.outputs)
    for entry in (each for s in model.signatureDefs or [] for each in (*(s.inputs or []), *(s.outputs or []))):
        [entry.tensorIndex] = moved([entry.tensorIndex])


def drop_unused(model: Any) -> None:
    """Drop unused operator codes and buffers and renumber the rest. Empty buffers become buffer 0."""
    graph = model.subgraphs[0]
    used = sorted({operator.opcodeIndex for operator in graph.operators})
    for operator in graph.operators:
        operator.opcodeIndex = used.index(operator.opcodeIndex)
    model.operatorCodes = [model.operatorCodes[index] for index in used]
    owners = [*graph.tensors, *model.metadata]
    stored = {owner.buffer: model.buffers[owner.buffer].data for owner in owners if owner.buffer}
    filled = sorted(old for old, data in stored.items() if data is not None and len(data))
    index = {old: new for new, old in enumerate(filled, start=1)}
    for owner in owners:
        owner.buffer = index.get(owner.buffer, 0)
    model.buffers = [generated.BufferT(), *(model.buffers[old] for old in filled)]


def adopt(model: Any) -> None:
    """Add what published files lack: a signature and a fixed batch size. Remove the "background" class."""
    for tensor in model.subgraphs[0].tensors:
        tensor.shapeSignature = None  # the shapes say 1, and compilers plan for that
    _drop_background(model)
    if not model.signatureDefs:
        _add_signature(model)


def _drop_background(model: Any) -> None:
    """Remove class 0 of 1,001, which TF-slim's files have before ImageNet's 1,000.

    The last layer loses its first row. Shapes with 1,001 get 1,000.
    """
    graph = model.subgraphs[0]
    if graph.tensors[graph.outputs[0]].shape[-1] != WITH_BACKGROUND:
        return
    for tensor in graph.tensors:
        values = schema.constant(model, tensor)
        if values is None:
            tensor.shape = _smaller(tensor.shape)
        elif values.ndim and len(values) == WITH_BACKGROUND:
            schema.set_constant(model, tensor, values[1:])
            _drop_first_scale(tensor.quantization)
        elif values.dtype == np.int32 and WITH_BACKGROUND in values:  # the shape operand of a RESHAPE
            schema.set_constant(model, tensor, _smaller(values))
    for operator in graph.operators:
        if operator.builtinOptionsType == generated.BuiltinOptions.ReshapeOptions and operator.builtinOptions:
            operator.builtinOptions.newShape = _smaller(operator.builtinOptions.newShape)


def _smaller(shape: Any) -> Any:
    if shape is None:
        return None
    sizes = np.asarray(shape, np.int32)
    return np.where(sizes == WITH_BACKGROUND, WITH_BACKGROUND - 1, sizes).astype(np.int32)


def _drop_first_scale(quantization: Any) -> None:
    """If each class has its own scale, drop that of the background."""
    if quantization is not None and quantization.scale is not None and len(quantization.scale) > 1:
        quantization.scale = quantization.scale[1:]
        quantization.zeroPoint = quantization.zeroPoint[1:]


def _add_signature(model: Any) -> None:
    """Name input and output. litert-quantizer requires it."""
    graph = model.subgraphs[0]
    signature = generated.SignatureDefT(signatureKey=b"serving_default")
    signature.inputs = [generated.TensorMapT(name=b"image", tensorIndex=int(graph.inputs[0]))]
    signature.outputs = [generated.TensorMapT(name=b"classes", tensorIndex=int(graph.outputs[0]))]
    model.signatureDefs = [signature]
