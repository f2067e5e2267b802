"""The contract and the provenance inside a file, as JSON in a metadata buffer called `eyespot`.

So a file found alone explains itself: how an image becomes its input, what its outputs are called, and
what it was made from. TensorFlow Lite runtimes ignore metadata that they do not know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as generated

from eyespot.cards import Contract, Input

NAME = b"eyespot"


def write(model: Any, contract: Contract, provenance: Mapping[str, Any]) -> None:
    """Put the contract and the provenance into a model's object form, in place of older ones."""
    text = json.dumps(
        {"contract": asdict(contract), "provenance": provenance}, sort_keys=True, separators=(",", ":")
    )
    buffer, entry = generated.BufferT(), generated.MetadataT()
    buffer.data = np.frombuffer(text.encode(), np.uint8)
    entry.name, entry.buffer = NAME, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [m for m in model.metadata or [] if m.name != NAME] + [entry]


def read(model: Any) -> Contract | None:
    """The contract of a model's object form; None without one; ValueError or KeyError where damaged."""
    content = _content(model)
    if content is None:
        return None
    fields = content["contract"]
    taken = Input(**fields["input"])
    return Contract(model=fields["model"], input=taken, classes=tuple(fields["classes"]))


def read_provenance(model: Any) -> dict[str, Any]:
    """What the file says it was made from; {} for a file that is not ours."""
    return dict((_content(model) or {}).get("provenance", {}))


def _content(model: Any) -> dict[str, Any] | None:
    for entry in model.metadata or []:
        if entry.name == NAME:
            loaded: dict[str, Any] = json.loads(bytes(np.asarray(model.buffers[entry.buffer].data, np.uint8)))
            return loaded
    return None
