"""The sidecar of a model file."""

from __future__ import annotations

import json
from collections.abc import Iterator

from eyespot.artifacts import model_folder, places
from fuzzing import file, refusals
from json_mutation import mutate as mutate


def seeds() -> Iterator[bytes]:
    record = {"file": "a.tflite", "sha256": "0" * 64, "verb": "train", "model": "m", "arguments": {"seed": 0}}
    yield json.dumps(
        record
        | {
            "inputs": {"weights": "1" * 64},
            "tools": {"eyespot": "0.1.0"},
            "facts": {"classes": ["a"], "bytes": 3, "operations": 8},
        }
    ).encode()
    yield model_folder.sidecar(places.ZOO / "mobilenet-v1" / "float32.tflite").read_bytes()


def one(data: bytes) -> None:
    """What is read can be used."""
    path = file(data, "a.tflite.json").with_suffix("")
    with refusals():
        facts = model_folder.read_sidecar(path).facts
        assert all(isinstance(facts.get(name, 0), int) for name in ("bytes", "operations"))
        assert all(isinstance(name, str) for name in facts.get("classes", ()))
