"""Output of other libraries, kept from the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_lock = threading.RLock()  # the file descriptors belong to the process: one capture at a time


@dataclass
class Caught:
    """`text` holds what was written, once the block has ended."""

    text: str = ""


@contextlib.contextmanager
def captured() -> Iterator[Caught]:
    """Catch all that is written to file descriptors 1 and 2, by C++ as well; silence Python's warnings."""
    caught = Caught()
    with _lock, tempfile.TemporaryFile() as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with _redirected(1, file.fileno()), _redirected(2, file.fileno()):
                yield caught
        finally:
            file.seek(0)
            caught.text = file.read().decode(errors="replace")


@contextlib.contextmanager
def _redirected(descriptor: int, target: int) -> Iterator[None]:
    """Let a file descriptor mean another one, and restore it."""
    _flush()
    saved = os.dup(descriptor)
    os.dup2(target, descriptor)
    try:
        yield
    finally:
        _flush()
        os.dup2(saved, descriptor)
        os.close(saved)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()
