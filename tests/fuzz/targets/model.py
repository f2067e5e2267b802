"""MODEL, as commands accept it."""

from __future__ import annotations

from collections.abc import Iterator

from eyespot.zoo import registry
from fuzzing import refusals


def seeds() -> Iterator[bytes]:
    yield from (b"tiny-resnet", b"tiny-resnet:float32", b"x.tflite", b"./:int8", b"C:\\a\\b.tflite", b"mine/:float32")


def one(data: bytes) -> None:
    with refusals():
        assert registry.find(data[:200].decode(errors="surrogateescape")).is_file()
