"""One process at a time in a folder."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from eyespot.errors import EyespotError
from eyespot.escaping import terminal

LOCK = ".eyespot.lock"


@contextlib.contextmanager
def held(folder: Path, name: str = LOCK) -> Iterator[None]:
    """Keep other processes out of a folder, which is made if it is absent; a second one says that it waits.

    `name` is that of the lock file, where only a part of the folder is locked.

    The lock ends with its process, however that ends. EyespotError if the folder cannot be written.
    """
    from filelock import FileLock, Timeout  # it takes long to import

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / name, is_singleton=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            print(
                f"eyespot: {terminal(str(folder))}: another eyespot is at work there; waiting for it", file=sys.stderr
            )
            lock.acquire()
    except OSError as error:
        raise EyespotError(f"{folder}: cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        if lock.lock_counter == 1:  # a process that waits for the unlinked file opens a new one
            (folder / name).unlink(missing_ok=True)
        lock.release()
