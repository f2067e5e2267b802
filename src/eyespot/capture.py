"""What other libraries say about their own insides, kept from the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Caught:
    """`text` holds what was written, once the block has ended."""

    text: str = ""


@contextlib.contextmanager
def captured() -> Iterator[Caught]:
    """Catch all that is written to file descriptors 1 and 2, by C++ as well; silence Python's warnings."""
    caught = Caught()
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(fd) for fd in (1, 2)]
    with tempfile.TemporaryFile() as file:
        try:
            for fd in (1, 2):
                os.dup2(file.fileno(), fd)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield caught
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for fd, old in zip((1, 2), saved, strict=True):
                os.dup2(old, fd)
                os.close(old)
            file.seek(0)
            caught.text = file.read().decode(errors="replace")
