"""Files that are whole or absent, and their digests."""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from eyespot.errors import EyespotError

if sys.platform != "win32":
    import fcntl

FULL, FORBIDDEN = "Free some space and repeat", "Choose a place that you may write to"
REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), FORBIDDEN),
    **dict.fromkeys((errno.EISDIR, errno.ENOTDIR, errno.EEXIST), "Move away what is in its place"),
}
OTHER_REMEDY = "Check the disk and repeat"


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends well.

    A kill at any moment leaves the old file or the new one, never a part; the next call for the same path
    removes the temporary file that the kill left. EyespotError if the disk is full or the folder cannot be
    written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path)
        handle, partial = _create(path)
    except OSError as error:
        raise not_written(path, error) from error
    try:
        yield partial
        os.fsync(handle)
        partial.chmod(0o644)
        partial.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise not_written(path, error) from error
    finally:
        os.close(handle)
        partial.unlink(missing_ok=True)


def not_written(path: Path, error: OSError) -> EyespotError:
    """The error for a file or folder that the system did not let us write."""
    return EyespotError(f"{path}: not written: {error.strerror}. {REMEDIES.get(error.errno or 0, OTHER_REMEDY)}.")


def _create(path: Path) -> tuple[int, Path]:
    """A new temporary file beside `path`, and its descriptor, which locks it while this process lives."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
        with contextlib.suppress(OSError):  # some network file systems have no locks
            _lock(handle)
        if (partial := Path(name)).exists():
            return handle, partial
        os.close(handle)  # another process took it for a stale one before it was locked


def _remove_stale(path: Path) -> None:
    """Remove the temporary files of `path` that no process locks: a kill left them."""
    for stale in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        with contextlib.suppress(OSError), stale.open("rb") as file:
            _lock(file.fileno())
            stale.unlink()


def _lock(handle: int) -> None:
    """OSError if another process has locked the file, or if it cannot be locked."""
    if sys.platform != "win32":  # which removes no open file
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync(folder: Path) -> None:
    """Make the names in a folder survive a power failure, where the file system can."""
    with contextlib.suppress(OSError):  # Windows opens no folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write(path: Path, data: bytes | str) -> Path:
    """Write a whole file at once; text becomes UTF-8 with Unix line ends."""
    with replacing(path) as partial:
        partial.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def write_json(path: Path, value: object) -> Path:
    """Write JSON whose bytes depend on the value alone; bytes of names that are not UTF-8 become escapes."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return write(path, re.sub("[\ud800-\udfff]", lambda match: rf"\\u{ord(match[0]):x}", text))


def digest(data: bytes) -> str:
    """Sha256 of `data`, as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path, algorithm: str = "sha256") -> str:
    """Digest of a file of any size, as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def matches(path: Path, expected: str) -> bool:
    """Whether a file has the digest that `expected` ("sha256:..." or "md5:...") names."""
    algorithm, _, value = expected.partition(":")
    return digest_file(path, algorithm) == value
