"""The contract and the provenance inside a file, as JSON in a metadata buffer called `eyespot`.

A file alone says how an image becomes its input, what its outputs are called, and what it was made from.
`version` is the lowest that can express the contract. Version 1, which has no such field, knows RGB and
gray, the bilinear filter, and one mean and standard deviation for all channels. Version 2 can express every
preprocessing, version 3 has a `confidence` besides. Version 4 says `logits` of the outputs, and may have a
`confidence`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from dataclasses import fields as fields_of
from typing import Any

import msgspec
import numpy as np
from ai_edge_litert import schema_py_generated as generated

from eyespot.preprocessing.spec import Confidence, Contract, Preprocessing
from eyespot.tflite import schema

NAME = b"eyespot"
VERSION = 4
INPUT = ("height", "width", "channels", "crop", "mean", "std")
PREPROCESSING = tuple(each.name for each in fields_of(Preprocessing))
CONFIDENCE = tuple(each.name for each in fields_of(Confidence))
ORDERS = {1: "gray", 3: "rgb"}  # by the channels that version 1 states


@dataclass(frozen=True, kw_only=True)
class Content:
    """The JSON in the metadata buffer."""

    contract: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)
    version: int = 1


def write(model: Any, contract: Contract, provenance: Mapping[str, Any]) -> None:
    """Put the contract and the provenance into a model's object form, in place of older ones."""
    confidence = encode_confidence(contract.confidence)
    fields = {"model": contract.model, "classes": contract.classes, **encode(contract.preprocessing), **confidence}
    version = 3 if confidence else 1 if "input" in fields else 2
    if contract.logits:
        fields, version = fields | {"logits": True}, 4
    content = {"contract": fields, "provenance": provenance, **({"version": version} if version > 1 else {})}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    buffer, entry = generated.BufferT(), generated.MetadataT()
    buffer.data = np.frombuffer(text.encode(), np.uint8)
    entry.name, entry.buffer = NAME, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [m for m in model.metadata or [] if m.name != NAME] + [entry]


def rewritten(data: bytes, contract: Contract) -> bytes:
    """The bytes of a file of ours, with another contract in the place of its own."""
    model = schema.unpack(data)
    stored, old = content(model), next(m.buffer for m in model.metadata if m.name == NAME)
    write(model, contract, stored.provenance if stored else {})
    model.buffers[old], model.metadata[-1].buffer = model.buffers.pop(), old
    return schema.pack(model)


def content(model: Any) -> Content | None:
    """The JSON in a model's object form, None without any. ValueError if it is damaged."""
    for entry in model.metadata or []:
        if entry.name == NAME:
            data = bytes(np.asarray(model.buffers[entry.buffer].data, np.uint8))
            return msgspec.convert(_plain_json(data.decode()), Content)
    return None


def _plain_json(text: str) -> Any:
    """What a JSON text says. ValueError for what readers understand differently: equal names, NaN."""
    return json.loads(text, object_pairs_hook=_distinct, parse_constant=_refuse_constant)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("its metadata has two fields of one name")
    return fields


def _refuse_constant(name: str) -> None:
    raise ValueError(f"its metadata holds {name}")


def read(model: Any) -> Contract | None:
    """The contract of a model's object form, None without one. ValueError if it is damaged or too new."""
    stored = content(model)
    if stored is None:
        return None
    if not 1 <= stored.version <= VERSION:
        raise ValueError(f"its metadata has version {stored.version}, this eyespot reads 1 to {VERSION}")
    fields = stored.contract
    names = ["model", "classes", "input" if "input" in fields else "preprocessing"]
    sure = stored.version == 3 or (stored.version == 4 and "confidence" in fields)
    logits = stored.version == 4
    _check_names("the contract", fields, names + ["confidence"] * sure + ["logits"] * logits)
    if logits and fields["logits"] is not True:
        raise ValueError(f"its metadata says logits {fields['logits']!r}, expected true")
    decoded = {"preprocessing": asdict(decode(fields)), **encode_confidence(decode_confidence(fields))}
    return msgspec.convert(fields | decoded, Contract)


def encode(spec: Preprocessing) -> dict[str, Any]:
    """As JSON holds it: `input` in the form of version 1 if that can express it, else `preprocessing`."""
    if spec.order == "bgr" or spec.resize != "bilinear" or len(set(spec.mean)) + len(set(spec.std)) > 2:
        return {"preprocessing": asdict(spec)}
    shape = {"height": spec.height, "width": spec.width, "channels": spec.channels}
    return {"input": {**shape, "crop": spec.crop, "mean": spec.mean[0], "std": spec.std[0]}}


def decode(fields: Mapping[str, Any]) -> Preprocessing:
    """The inverse of `encode`. ValueError for fields that are missing, unknown or out of range."""
    if "input" not in fields:
        spec = msgspec.convert(fields.get("preprocessing"), dict[str, Any])
        _check_names("preprocessing", spec, PREPROCESSING)
        return msgspec.convert(spec, Preprocessing)
    first = msgspec.convert(fields["input"], dict[str, Any])
    _check_names("input", first, INPUT)
    order = ORDERS.get(msgspec.convert(first.pop("channels"), int))
    return msgspec.convert(first | {"order": order, "mean": [first["mean"]], "std": [first["std"]]}, Preprocessing)


def encode_confidence(confidence: Confidence | None) -> dict[str, Any]:
    """As JSON holds it; nothing for None."""
    return {"confidence": asdict(confidence)} if confidence else {}


def decode_confidence(fields: Mapping[str, Any]) -> Confidence | None:
    """The inverse of `encode_confidence`. ValueError for fields that are missing, unknown or out of range."""
    if "confidence" not in fields:
        return None
    found = msgspec.convert(fields["confidence"], dict[str, Any])
    _check_names("confidence", found, CONFIDENCE)
    return msgspec.convert(found, Confidence)


def _check_names(what: str, found: Mapping[str, Any], expected: Collection[str]) -> None:
    """ValueError unless the fields are there and no others."""
    if differing := sorted(set(expected) ^ set(found)):
        raise ValueError(f"{what} has the fields {', '.join(expected)}; missing or unknown: {differing[:3]!a}")
