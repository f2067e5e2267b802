"""What a worker that a hostile file controls may send instead of its result."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.errors import ToolDiedError
from eyespot.isolation import pool
from fuzzing import refusals


@dataclasses.dataclass(frozen=True)
class Result:
    """One of every type that results have."""

    name: str
    numbers: tuple[int, ...]
    share: float | None
    values: NDArray[np.float32]
    layers: dict[str, dict[str, NDArray[np.float32]]]


WORKER: Any = SimpleNamespace(name="a worker", kill=lambda: None)


def seeds() -> Iterator[bytes]:
    array = ("<f4", (2, 1), bytes(8))
    fields = {"name": "x", "numbers": [1, 2], "share": 0.5, "values": array, "layers": {"a": {"b": array}}}
    yield b"+" + msgspec.msgpack.encode(fields)
    yield from (b"-" + msgspec.msgpack.encode(error) for error in (("BadFileError", "no"), ("ValueError", "x")))


def one(data: bytes) -> None:
    with refusals():
        try:
            result = pool._value(WORKER, data, Result)
        except ToolDiedError:  # as it should
            return
        assert result.values.dtype == np.float32
        assert all(each.dtype == np.float32 for layer in result.layers.values() for each in layer.values())
