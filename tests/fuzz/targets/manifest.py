"""The manifest.csv of a user's folder."""

from __future__ import annotations

from collections.abc import Iterator

from eyespot.data import manifest
from fuzzing import file, refusals

ROWS = (("a/1.jpg", "0" * 64, "a", "train"), ('b"/2,\n.jpg', "f" * 64, "b", "test"))


def seeds() -> Iterator[bytes]:
    folder = file(b"", manifest.NAME).parent
    for rows in (ROWS, ()):
        manifest.save(manifest.Manifest(data="/home/me/photos", rows=rows), folder)
        yield (folder / manifest.NAME).read_bytes()


def one(data: bytes) -> None:
    """What is read is written and read again."""
    folder = file(data, manifest.NAME).parent
    with refusals():
        read = manifest.load(folder)
        assert read is not None
        manifest.save(read, folder)
        assert manifest.load(folder) == read
