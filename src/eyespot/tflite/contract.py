"""The contract and the provenance inside a file, as JSON in a metadata buffer called `eyespot`.

A file found alone explains itself: how an image becomes its input, what its outputs are called, and what
it was made from. TensorFlow Lite runtimes ignore metadata that they do not know.

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

from eyespot.preprocessing.spec import Contract, Preprocessing, Share, Side

NAME = b"eyespot"
VERSION = 2


@dataclass(frozen=True, kw_only=True)
class Content:
    """The JSON in the metadata buffer."""

    contract: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)
    version: int = 1


@dataclass(frozen=True, kw_only=True)
class FirstInput:
    """`Preprocessing` as version 1 wrote it, called `input` there."""

    height: Side
    width: Side
    channels: int
    crop: Share | None = None
    mean: float = 0.0
    std: float = 1.0


def write(model: Any, contract: Contract, provenance: Mapping[str, Any]) -> None:
    """Put the contract and the provenance into a model's object form, in place of older ones."""
    fields = {"model": contract.model, "classes": contract.classes, **encode(contract.preprocessing)}
    content = {"contract": fields, "provenance": provenance}
    version = {} if "input" in fields else {"version": VERSION}
    text = json.dumps(content | version, sort_keys=True, separators=(",", ":"))
    buffer, entry = generated.BufferT(), generated.MetadataT()
    buffer.data = np.frombuffer(text.encode(), np.uint8)
    entry.name, entry.buffer = NAME, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [m for m in model.metadata or [] if m.name != NAME] + [entry]


def read(model: Any) -> Contract | None:
    """The contract of a model's object form, None without one. ValueError if it is damaged or too new."""
    content = _content(model)
    if content is None:
        return None
    if not 1 <= content.version <= VERSION:
        raise ValueError(f"its metadata has version {content.version}, this eyespot reads 1 to {VERSION}")
    fields = content.contract
    return Contract(
        model=msgspec.convert(fields.get("model"), str),
        preprocessing=decode(fields),
        classes=msgspec.convert(fields.get("classes"), tuple[str, ...]),
    )


def read_provenance(model: Any) -> dict[str, Any]:
    """What the file says it was made from; {} for a file that is not ours."""
    content = _content(model)
    return content.provenance if content else {}


def encode(spec: Preprocessing) -> dict[str, Any]:
    """As JSON holds it: `input` in the form of version 1 if that can express it, else `preprocessing`."""
    if spec.order == "bgr" or spec.resize != "bilinear" or len(set(spec.mean)) + len(set(spec.std)) > 2:
        return {"preprocessing": asdict(spec)}
    first = FirstInput(
        height=spec.height, width=spec.width, channels=spec.channels, crop=spec.crop,
        mean=spec.mean[0], std=spec.std[0],
    )  # fmt: skip
    return {"input": asdict(first)}


def decode(fields: Mapping[str, Any]) -> Preprocessing:
    """The inverse of `encode`. ValueError for fields that are missing or out of range."""
    if "input" not in fields:
        return msgspec.convert(fields.get("preprocessing"), Preprocessing)
    first = msgspec.convert(fields["input"], FirstInput)
    if first.channels not in {1, 3}:
        raise ValueError(f"expected 1 or 3 channels, found {first.channels}")
    return Preprocessing(
        height=first.height, width=first.width, order="rgb" if first.channels == 3 else "gray",
        crop=first.crop, mean=(first.mean,), std=(first.std,),
    )  # fmt: skip


def _content(model: Any) -> Content | None:
    for entry in model.metadata or []:
        if entry.name == NAME:
            data = bytes(np.asarray(model.buffers[entry.buffer].data, np.uint8))
            return msgspec.json.decode(data, type=Content)
    return None
