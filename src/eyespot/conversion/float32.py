"""The float32 file of a folder: what everything else there is made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eyespot.artifacts.atomic import digest_file
from eyespot.artifacts.sidecars import Artifact, discard, save
from eyespot.conversion.clean import clean
from eyespot.preprocessing.spec import Contract
from eyespot.tflite.read import describe

NAME = "float32.tflite"


def save_first(
    folder: Path,
    raw: bytes,
    contract: Contract,
    *,
    weights: str,
    digest: str,
    tools: dict[str, str],
    facts: dict[str, Any],
) -> Artifact:
    """Clean it and write it with its sidecar; an int8 file that was made of another one is removed.

    `weights` and `digest` say what it is made of.
    """
    record: dict[str, Any] = {
        "verb": "convert",
        "model": contract.model,
        "arguments": {"weights": weights},
        "inputs": {"weights": digest},
    }
    data, path = clean(raw, contract, record), folder / NAME
    before = digest_file(path) if path.exists() else ""
    made = save(path, data, **record, tools=tools, facts=describe(data) | facts)
    if before != made.sha256:
        discard(folder / "int8.tflite")
    return made
