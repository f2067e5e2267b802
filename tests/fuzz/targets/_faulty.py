"""A target with the fault that an environment variable names, for the test of the runner."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from eyespot.errors import BadFileError
from fuzzing import refusals

SECONDS = 1
MEMORY = 200 << 20


def seeds() -> Iterator[bytes]:
    yield b"seed"


def one(data: bytes) -> None:
    fault = os.environ["FAULT"] if data == b"seed" else ""
    if fault == "raise":
        raise KeyError(data)
    if fault == "abort":
        os.abort()
    if fault == "exit":
        os._exit(3)
    if fault == "hang":
        time.sleep(60)
    if fault == "memory":
        _ = bytes(900 << 20)
    with refusals():
        try:
            _ = bytes(900 << 20) if fault == "memory in a refusal" else b""
        except MemoryError as error:
            raise BadFileError("no") from error
