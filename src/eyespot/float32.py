"""The float32 file of a folder: what everything else there is made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eyespot.artifact import digest_file, discard, save
from eyespot.cards import Artifact
from eyespot.tflite.read import describe

NAME = "float32.tflite"


def save_first(
    folder: Path, data: bytes, record: dict[str, Any], tools: dict[str, str], facts: dict[str, Any]
) -> Artifact:
    """Write it with its sidecar; an int8 file that was made of another one is removed."""
    path = folder / NAME
    before = digest_file(path) if path.exists() else ""
    made = save(path, data, **record, tools=tools, facts=describe(data) | facts)
    if before != made.sha256:
        discard(folder / "int8.tflite")
    return made
