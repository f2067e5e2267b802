"""Files that are whole or absent, and their digests."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from eyespot.errors import EyespotError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends well.

    A kill at any moment leaves the old file or the new one, never a part. EyespotError if the disk
    is full or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    except OSError as error:
        raise EyespotError(f"{path}: cannot be written: {error.strerror}") from error
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.chmod(0o644)
        partial.replace(path)
    except OSError as error:
        raise EyespotError(f"{path}: not written: {error.strerror}; free some space and repeat") from error
    finally:
        partial.unlink(missing_ok=True)


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
