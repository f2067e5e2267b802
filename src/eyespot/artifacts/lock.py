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
    """Keep other processes out of a folder; a second one says that it waits.

    A folder that is absent is made, and removed if nothing is written to it. `name` is that of the lock file,
    where only a part of the folder is locked. The lock ends with its process, however that ends; it may be held
    again in the block. EyespotError if the folder cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            absent = not folder.exists()
            stack.callback(_release, _acquire(folder, name), absent)
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise not_written(folder, error) from error
        yield


def is_held(folder: Path) -> bool:
    """Whether a process works in a folder, or was killed there; `held` waits for the one, tidies up after the other."""
    return (folder / LOCK).exists()


def _acquire(folder: Path, name: str) -> FileLock:
    from filelock import FileLock, Timeout  # it takes long to import

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.resolve() / name, is_singleton=True)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print(f"eyespot: {terminal(str(folder))}: another eyespot is at work there; waiting for it", file=sys.stderr)
        try:
            lock.acquire()
        except FileNotFoundError:  # it wrote nothing and removed the folder
            return _acquire(folder, name)
    return lock


def _release(lock: FileLock, absent: bool) -> None:
    """Leave no file behind. A process that waits for the unlinked file opens a new one."""
    if lock.lock_counter == 1:
        path = Path(lock.lock_file)
        path.unlink(missing_ok=True)
        if absent:
            with contextlib.suppress(OSError):  # it is not empty
                path.parent.rmdir()
    lock.release()
