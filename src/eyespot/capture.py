"""Output of other libraries, kept from the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import IO

_lock = threading.RLock()  # the file descriptors belong to the process: one capture at a time


@contextlib.contextmanager
def captured() -> Iterator[SimpleNamespace]:
    """Catch what is written to descriptors 1 and 2, by C++ too, as `text` afterwards; silence warnings."""
    caught = SimpleNamespace(text="")
    with _lock, _file() as file, warnings.catch_warnings(action="ignore"):
        _flush()
        saved = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
        try:
            for descriptor in saved:
                os.dup2(file.fileno(), descriptor)
            yield caught
        finally:
            _flush()
            for descriptor, copy in saved.items():
                os.dup2(copy, descriptor)
                os.close(copy)
            file.seek(0)
            caught.text = file.read().decode(errors="replace")


def _file() -> IO[bytes]:
    """A file in memory where there are such: a full disk takes no output then."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("captured"), "w+b")
    return tempfile.TemporaryFile()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()
