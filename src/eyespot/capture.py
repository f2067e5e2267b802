"""What native libraries write to the terminal, caught before it gets there."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import IO


@contextlib.contextmanager
def captured() -> Iterator[IO[bytes]]:
    """Catch everything written to file descriptors 1 and 2, by C++ as well; yields the file it goes to."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(fd) for fd in (1, 2)]
    with tempfile.TemporaryFile() as file:
        try:
            for fd in (1, 2):
                os.dup2(file.fileno(), fd)
            yield file
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for fd, old in zip((1, 2), saved, strict=True):
                os.dup2(old, fd)
                os.close(old)


def text(file: IO[bytes]) -> str:
    """All that was caught so far."""
    file.seek(0)
    return file.read().decode(errors="replace")
