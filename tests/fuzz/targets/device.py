"""The .toml of a device."""

from __future__ import annotations

from collections.abc import Iterator

from eyespot.devices import FOLDER, read_device
from fuzzing import file, refusals


def seeds() -> Iterator[bytes]:
    yield from (path.read_bytes() for path in FOLDER.glob("*.toml"))
    yield b'position = 1\ntitle = "t"\ntools = ["litert"]\nsource = "s"\n'


def one(data: bytes) -> None:
    path = file(data, "device.toml")
    with refusals():
        str(read_device(path))
