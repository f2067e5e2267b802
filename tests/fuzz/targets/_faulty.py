"""A target with the fault that an environment variable names, for the test of the runner."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

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
        _ = b"x" * (190 << 20), time.sleep(3)
    if fault == "address space":
        _ = bytes(900 << 20)
