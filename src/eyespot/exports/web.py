"""A model file for LiteRT.js, and what a page must know to feed it and to read its answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as generated

from eyespot.errors import RefusedError
from eyespot.evaluation.confidence import floor
from eyespot.preprocessing.pipeline import Pipeline, changed, parse, pipeline_of
from eyespot.preprocessing.spec import Contract
from eyespot.preprocessing.tensors import levels
from eyespot.tflite import schema
from eyespot.tflite.read import File, Tensor
from eyespot.tflite.read import parse as parse_file

Operator = generated.BuiltinOperator
MISTAKES = ("bgr", "0..1", "-1..1", "rgb565-swapped", "squash", "crop")  # words of a `Pipeline`
RANGES = {"0..1", "-1..1"}  # of which the first that is wrong is one


def for_web(file: File) -> File:
    """The file with a uint8 input and a float32 output: LiteRT.js takes no int8 tensors.

    A QUANTIZE (uint8 to int8, the same numbers + 128) goes before the first operator and a DEQUANTIZE behind the last;
    those between are unchanged. A float32 file stays as it is. RefusedError for an int16 input, and for weights
    outside the flatbuffer.
    """
    if file.input.dtype == "int16" or file.external_buffers:
        found = "an int16 input" if file.input.dtype == "int16" else "weights outside the flatbuffer"
        raise RefusedError(f"{file.path}: LiteRT.js does not take {found}. Quantize the model again with eyespot.")
    model = schema.unpack(file.data)
    if file.input.dtype == "int8":
        _put_quantize(model)
    if file.output.dtype != "float32":
        _put_dequantize(model)
    return parse_file(schema.pack(model), file.path)


def _put_quantize(model: Any) -> None:
    graph, old = model.subgraphs[0], int(model.subgraphs[0].inputs[0])
    q = graph.tensors[old].quantization
    shifted = generated.QuantizationParametersT(scale=q.scale, zeroPoint=q.zeroPoint + 128)
    new = _add_tensor(model, old, generated.TensorType.UINT8, shifted)
    graph.operators.insert(0, _operator(model, Operator.QUANTIZE, 1, new, old))
    graph.inputs = np.array([new], np.int32)
    _rename(model, "inputs", old, new)


def _put_dequantize(model: Any) -> None:
    graph, old = model.subgraphs[0], int(model.subgraphs[0].outputs[0])
    new = _add_tensor(model, old, generated.TensorType.FLOAT32, None)
    graph.operators.append(_operator(model, Operator.DEQUANTIZE, 2, old, new))
    graph.outputs = np.array([new], np.int32)
    _rename(model, "outputs", old, new)


def _add_tensor(model: Any, like: int, kind: int, quantization: Any) -> int:
    """The index of a new activation with the shape of another tensor."""
    graph = model.subgraphs[0]
    buffer = len(model.buffers)
    model.buffers.append(generated.BufferT())
    name = (graph.tensors[like].name or b"") + b"_web"
    tensor = generated.TensorT(
        shape=graph.tensors[like].shape, type=kind, buffer=buffer, name=name, quantization=quantization
    )
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _operator(model: Any, code: int, version: int, source: int, target: int) -> Any:
    """An operator from one tensor to another, with a code of its own."""
    model.operatorCodes.append(generated.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=version))
    ends = {"inputs": np.array([source], np.int32), "outputs": np.array([target], np.int32)}
    return generated.OperatorT(opcodeIndex=len(model.operatorCodes) - 1, **ends)


def _rename(model: Any, side: str, old: int, new: int) -> None:
    for signature in model.signatureDefs or []:
        for entry in getattr(signature, side) or []:
            if entry.tensorIndex == old:
                entry.tensorIndex = new


def page_contract(file: File, web: File, contract: Contract, *, min_confidence: float = 0.0) -> dict[str, Any]:
    """What the page must know of a file that `for_web` made `web` of, for JSON.

    `pipeline` is a `Pipeline` with its `levels`; `mistakes` are its changes by their word. `shown` are (factor, sum)
    per channel, which make pixels of what the input tensor stores. `floor` is what a probability of 0 counts for where
    there is a temperature.
    """
    right, spec = pipeline_of(contract.preprocessing), contract.preprocessing
    scale, zero = (web.input.scale, web.input.zero_point) if web.input.scale else (1.0, 0)
    times = max(len(spec.mean), len(spec.std))
    mean, std = (np.broadcast_to(each, times).tolist() for each in (spec.mean, spec.std))
    return {
        "model": contract.model,
        "classes": contract.classes,
        "input": {"shape": web.input.shape, "dtype": web.input.dtype},
        "pipeline": _fields(right, web.input),
        "mistakes": dict(_mistakes(right, web.input)),
        "shown": [(scale * s, m - zero * scale * s) for m, s in zip(mean, std, strict=True)],
        "logits": contract.logits,
        "confidence": asdict(contract.confidence) if contract.confidence else None,
        "floor": floor(file.output, contract),
        "min_confidence": min_confidence,
    }


def _fields(pipeline: Pipeline, tensor: Tensor) -> dict[str, Any]:
    names = ("order", "damage", "fit", "crop", "filter")
    return {name: getattr(pipeline, name) for name in names} | {"levels": levels(pipeline, tensor).tolist()}


def _mistakes(right: Pipeline, tensor: Tensor) -> Iterator[tuple[str, dict[str, Any]]]:
    """What each word changes, of those that change something."""
    fields, ranged = _fields(right, tensor), False
    for word in MISTAKES:
        way = _fields(changed(right, parse(word)), tensor)
        differing = {name: value for name, value in way.items() if value != fields[name]}
        if differing and not (ranged and word in RANGES):
            ranged |= word in RANGES
            yield word, differing
