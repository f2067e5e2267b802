"""What native libraries write to the terminal, caught before it gets there."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Caught:
    """`text` holds what was written, once the block has ended."""

    text: str = ""


@contextlib.contextmanager
def captured() -> Iterator[Caught]:
    """Catch everything written to file descriptors 1 and 2 within the block, by C++ as well."""
    caught = Caught()
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(fd) for fd in (1, 2)]
    with tempfile.TemporaryFile() as file:
        try:
            for fd in (1, 2):
                os.dup2(file.fileno(), fd)
            yield caught
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for fd, old in zip((1, 2), saved, strict=True):
                os.dup2(old, fd)
                os.close(old)
            file.seek(0)
            caught.text = file.read().decode(errors="replace")
