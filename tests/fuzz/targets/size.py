"""Sizes as people write them: 256k, 1M, 300,000."""

from __future__ import annotations

from collections.abc import Iterator

from eyespot.arguments import size
from fuzzing import refusals


def seeds() -> Iterator[bytes]:
    yield from (b"256k", b"1.5 MiB", b"300,000", b"1_000_000kB", b"0")


def one(data: bytes) -> None:
    with refusals():
        assert 0 <= (size(data[:200].decode(errors="surrogateescape")) or 0) < 2**80
