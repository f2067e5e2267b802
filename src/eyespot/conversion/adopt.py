"""A published float32 .tflite file, spec as it is: no network, no torch, no conversion.

What our files have and publishers' lack is added here; `clean` does the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as generated

from eyespot.tflite import schema

WITH_BACKGROUND = 1001


def adopt(data: bytes) -> bytes:
    """The bytes with a signature, a fixed batch of one, and without ImageNet's "background" class."""
    model = schema.unpack(data)
    fix_batch(model)
    drop_background(model)
    add_signature(model)
    return schema.pack(model)


def fix_batch(model: Any) -> None:
    """Forget that the batch could be resized: shapes say 1, and compilers plan for that."""
    for tensor in model.subgraphs[0].tensors:
        tensor.shapeSignature = None


def drop_background(model: Any) -> None:
    """Leave out class 0 of 1,001, which TF-slim's files have in front of ImageNet's 1,000.

    The last layer loses its first row; every shape that held 1,001 holds 1,000.
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
        elif values.dtype == np.int32 and WITH_BACKGROUND in values:  # the shape that a RESHAPE takes
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
    """Where each class has a scale of its own, the background's goes too."""
    if quantization is not None and quantization.scale is not None and len(quantization.scale) > 1:
        quantization.scale = quantization.scale[1:]
        quantization.zeroPoint = quantization.zeroPoint[1:]


def add_signature(model: Any) -> None:
    """Name input and output, as litert-quantizer asks, where the file does not."""
    if model.signatureDefs:
        return
    graph, signature = model.subgraphs[0], generated.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    signature.inputs = [_named(b"image", graph.inputs[0])]
    signature.outputs = [_named(b"classes", graph.outputs[0])]
    model.signatureDefs = [signature]


def _named(name: bytes, index: int) -> Any:
    entry = generated.TensorMapT()
    entry.name, entry.tensorIndex = name, int(index)
    return entry
