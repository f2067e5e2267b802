"""The sidecar of a model file."""

from __future__ import annotations

import json
from collections.abc import Iterator

from eyespot.artifacts import model_folder, places
from fuzzing import file, refusals


def seeds() -> Iterator[bytes]:
    record = {"file": "a.tflite", "sha256": "0" * 64, "verb": "convert", "model": "m", "arguments": {"seed": 0}}
    yield json.dumps(record | {"inputs": {"weights": "1" * 64}, "tools": {"eyespot": "0.1.0"}, "facts": {}}).encode()
    yield model_folder.sidecar(places.ZOO / "mobilenet-v1" / "float32.tflite").read_bytes()


def one(data: bytes) -> None:
    path = file(data, "a.tflite.json").with_suffix("")
    with refusals():
        model_folder.read_sidecar(path)
