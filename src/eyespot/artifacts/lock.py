"""One process at a time in a folder."""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from eyespot.artifacts.atomic import not_written
from eyespot.escaping import terminal

if TYPE_CHECKING:
    from filelock import FileLock

LOCK = ".eyespot.lock"
WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOTSUP}  # errors of file systems that have no locks


@contextlib.contextmanager
def held(folder: Path, name: str = LOCK) -> Iterator[None]:
    """Keep other processes out of a folder, which is made if it is absent; a second one says that it waits.

    `name` is that of the lock file, where only a part of the folder is locked. The lock ends with its process,
    however that ends; it may be held again in the block. EyespotError if the folder cannot be written.
    """
    from filelock import FileLock, Timeout  # it takes long to import

    with contextlib.ExitStack() as stack:
        try:
            absent = not folder.exists()
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder.resolve() / name, is_singleton=True)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                shown = terminal(str(folder))
                print(f"eyespot: {shown}: another eyespot is at work there; waiting for it", file=sys.stderr)
                lock.acquire()
            stack.callback(_release, lock, folder if absent else None)
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise not_written(folder, error) from error
        yield


def _release(lock: FileLock, made: Path | None) -> None:
    """Leave no file behind, nor an empty folder. A process that waits for the unlinked file opens a new one."""
    if lock.lock_counter == 1:
        Path(lock.lock_file).unlink(missing_ok=True)
        if made:
            with contextlib.suppress(OSError):  # it has files
                made.rmdir()
    lock.release()
