"""The contract and the provenance inside a file, as JSON in a metadata buffer called `eyespot`.

A file alone says how an image becomes its input, what its outputs are called, and what it was made from.
`version` is the lowest that can express the contract. Version 1, which has no such field, knows RGB and
gray, the bilinear filter, and one mean and standard deviation for all channels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec
import numpy as np
from ai_edge_litert import schema_py_generated as generated

from eyespot.preprocessing.spec import Contract, Preprocessing

NAME = b"eyespot"
VERSION = 2
ORDERS = {1: "gray", 3: "rgb"}  # by the channels that version 1 states


@dataclass(frozen=True, kw_only=True)
class Content:
    """The JSON in the metadata buffer."""

    contract: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)
    version: int = 1


def write(model: Any, contract: Contract, provenance: Mapping[str, Any]) -> None:
    """Put the contract and the provenance into a model's object form, in place of older ones."""
    fields = {"model": contract.model, "classes": contract.classes, **encode(contract.preprocessing)}
    version = {} if "input" in fields else {"version": VERSION}
    content = {"contract": fields, "provenance": provenance, **version}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    buffer, entry = generated.BufferT(), generated.MetadataT()
    buffer.data = np.frombuffer(text.encode(), np.uint8)
    entry.name, entry.buffer = NAME, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [m for m in model.metadata or [] if m.name != NAME] + [entry]


def content(model: Any) -> Content | None:
    """The JSON in a model's object form, None without any. ValueError if it is damaged."""
    for entry in model.metadata or []:
        if entry.name == NAME:
            data = bytes(np.asarray(model.buffers[entry.buffer].data, np.uint8))
            return msgspec.json.decode(data, type=Content)
    return None


def read(model: Any) -> Contract | None:
    """The contract of a model's object form, None without one. ValueError if it is damaged or too new."""
    stored = content(model)
    if stored is None:
        return None
    if not 1 <= stored.version <= VERSION:
        raise ValueError(f"its metadata has version {stored.version}, this eyespot reads 1 to {VERSION}")
    return msgspec.convert(stored.contract | {"preprocessing": asdict(decode(stored.contract))}, Contract)


def encode(spec: Preprocessing) -> dict[str, Any]:
    """As JSON holds it: `input` in the form of version 1 if that can express it, else `preprocessing`."""
    if spec.order == "bgr" or spec.resize != "bilinear" or len(set(spec.mean)) + len(set(spec.std)) > 2:
        return {"preprocessing": asdict(spec)}
    shape = {"height": spec.height, "width": spec.width, "channels": spec.channels}
    return {"input": {**shape, "crop": spec.crop, "mean": spec.mean[0], "std": spec.std[0]}}


def decode(fields: Mapping[str, Any]) -> Preprocessing:
    """The inverse of `encode`. ValueError for fields that are missing or out of range."""
    spec = fields.get("preprocessing")
    if "input" in fields:
        first = msgspec.convert(fields["input"], dict[str, Any])
        order = ORDERS.get(msgspec.convert(first.get("channels"), int))
        spec = first | {"order": order, "mean": [first.get("mean")], "std": [first.get("std")]}
    return msgspec.convert(spec, Preprocessing)
