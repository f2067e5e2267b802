"""The float32 file of a folder, which everything else there is made from."""

from __future__ import annotations

from typing import Any

from eyespot.artifacts.atomic import digest_file
from eyespot.artifacts.model_folder import FLOAT32, INT8, ModelFolder
from eyespot.artifacts.sidecars import Artifact
from eyespot.conversion.clean import finish
from eyespot.preprocessing.spec import Contract


def save_first(
    folder: ModelFolder,
    model: Any,
    contract: Contract,
    *,
    weights: str,
    inputs: dict[str, str],
    tools: dict[str, str],
    facts: dict[str, Any],
) -> Artifact:
    """Write a repaired object form as float32.tflite. If that changes the file, int8.tflite is removed.

    `weights` names what it is made from, `inputs` holds the digests.
    """
    record: dict[str, Any] = {
        "verb": "convert",
        "model": contract.model,
        "arguments": {"weights": weights},
        "inputs": inputs,
    }
    path = folder.path / FLOAT32
    before = digest_file(path) if path.exists() else ""
    saved = folder.save(FLOAT32, finish(model, contract, record), **record, tools=tools, facts=facts)
    if before != saved.sha256:
        folder.discard(INT8)
    return saved
