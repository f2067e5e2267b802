"""Use a published float32 .tflite file directly, without network, torch or conversion.

This adds what our files have and published files lack. `clean` does the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as generated

from eyespot.tflite import schema

WITH_BACKGROUND = 1001


def adopt(model: Any) -> None:
    """Add a signature, fix the batch size and remove ImageNet's "background" class, in place."""
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
