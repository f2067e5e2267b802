"""Unpacking archives from anywhere, within budgets."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import IO, Any, NamedTuple

from eyespot.errors import BadFileError, EyespotError
from eyespot.escaping import is_reserved
from eyespot.progress import track

# COCO has 123,287 images and ImageNet's validation set 50,000. A photograph of 48 x 48 pixels takes 1,500
# bytes and hardly compresses. So a small archive holds few files, and they are not much larger.
LIMIT = 8 << 30  # bytes of content; several times the largest data set that is published as an archive
SPARE, RATIO = 64 << 20, 10  # bytes of content: at most SPARE + RATIO times the size of the archive
MEMBERS, SPARE_MEMBERS, EACH = 200_000, 2_000, 1_000  # files and folders: at most one per EACH bytes of archive
DIRECTORY = 20 << 20  # bytes of a zip's list of members
HEADERS, HEADER = 32 << 20, 16 << 10  # bytes of a tar's headers beyond its size, and of those of one member
DEPTH, LENGTH = 16, 240  # parts of a member's path, and bytes of each
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # with others, zipfile unpacks without limit
CHUNK = 1 << 18

_OPENERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}

# what zipfile and tarfile raise for damaged archives
_DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError,
    ArithmeticError, LookupError,
)  # fmt: skip


def unpack(source: Path, folder: Path, limit: int = LIMIT) -> None:
    """Unpack a zip or a tar (plain, gz, bz2, xz), recognised by content, into the new `folder`.

    BadFileError for an archive that is cut short or damaged, exceeds a budget (`limit` is in bytes of
    content), or contains a link, a device, two members in one place, or a name that leaves the folder or
    is not portable. EyespotError if the disk is full. After an error there is no folder.
    """
    try:
        with source.open("rb") as file:
            size, is_zip = source.stat().st_size, zipfile.is_zipfile(file)
            members = _in_zip(file) if is_zip else _in_tar(file, size)
            target = _Target(folder, min(limit, SPARE + RATIO * size), min(MEMBERS, SPARE_MEMBERS + size // EACH))
            for member in track(members, None, f"unpack {source.name}"):
                target.write(member)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        reason = str(error).partition("\n")[0][:200] or type(error).__name__
        if isinstance(error, _RefusedError):
            raise BadFileError(f"{source}: {reason}; nothing was unpacked") from error
        if isinstance(error, _DAMAGE) or (isinstance(error, OSError) and error.errno is None):
            raise BadFileError(f"{source}: cut short, damaged or no archive ({reason}); get it again") from error
        if isinstance(error, OSError):
            raise EyespotError(f"{source}: cannot be unpacked into {folder} ({reason})") from error
        raise


class _RefusedError(Exception):
    """Why an archive is not unpacked."""


class _Member(NamedTuple):
    """`kind` is the file type in a Unix mode; 0 if another system wrote the archive."""

    name: str
    kind: int
    content: IO[bytes] | None


class _Target:
    """The folder that members are written to, each to its own place on any system."""

    def __init__(self, folder: Path, limit: int, most: int) -> None:
        self._folder, self._limit, self._left, self._most = folder, limit, limit, most
        self._folders: dict[str, bool] = {}  # place -> whether it is a folder

    def write(self, member: _Member) -> None:
        """Write a file or make a folder. The bytes are counted as they come, whatever the headers say."""
        path = PureWindowsPath(member.name)  # splits at both slashes and knows drives
        if problem := self._problem(member, path):
            raise _RefusedError(f"its member {member.name[:80]!r} {problem}")
        target = self._folder.joinpath(*path.parts)
        if member.kind == stat.S_IFDIR:
            target.mkdir(parents=True, exist_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            while member.content and (data := member.content.read(CHUNK)):
                self._left -= len(data)
                if self._left < 0:
                    raise _RefusedError(f"unpacks to more than {self._limit:,} bytes")
                file.write(data)

    def _problem(self, member: _Member, path: PureWindowsPath) -> str:
        name, is_folder = member.name, member.kind == stat.S_IFDIR
        if member.kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            return "is a link or a device"
        if path.anchor or ".." in path.parts or ":" in name or not name.isprintable() or not (path.parts or is_folder):
            return "could leave the folder"
        if len(path.parts) > DEPTH or not all(map(_is_portable, path.parts)):
            return "has a name that some systems cannot store"
        parts = unicodedata.normalize("NFC", path.as_posix()).casefold().split("/")
        for depth in range(1, len(parts) + 1):
            place, expected = "/".join(parts[:depth]), depth < len(parts) or is_folder
            known = self._folders.get(place)
            if known is not None and not (known and expected):
                return "is in the place of another"
            self._folders[place] = expected
        return f"is one too many; at most {self._most:,} are read" if len(self._folders) > self._most else ""


def _is_portable(part: str) -> bool:
    return part[-1] not in ". " and len(part.encode()) <= LENGTH and not is_reserved(part)


class _Budget:
    """A file of which `left` more bytes may be read or skipped; `last` is what was read last."""

    def __init__(self, file: IO[bytes], left: int) -> None:
        self._file, self.left, self.last = file, left, b""
        self.tell, self.seekable = file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        self.last = self._file.read(min(size, self.left + 1) if size >= 0 else self.left + 1)
        self._spend(len(self.last))
        return self.last

    def seek(self, offset: int, whence: int = 0) -> int:
        self._spend(max(0, offset - self.tell()) if whence == 0 else 0)
        return self._file.seek(offset, whence)

    def _spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise _RefusedError("has more headers than any data set")


def _in_zip(file: IO[bytes]) -> Iterator[_Member]:
    """The members of a zip, whose list is limited before it is parsed."""
    budget: Any = _Budget(file, DIRECTORY)
    with zipfile.ZipFile(budget) as archive:
        for info in archive.infolist():
            budget.left = LIMIT
            kind = stat.S_IFDIR if info.is_dir() else stat.S_IFMT(info.external_attr >> 16)
            if info.compress_type not in METHODS:
                raise _RefusedError(f"uses the compression method {info.compress_type}")
            with archive.open(info) as content:
                yield _Member(info.filename, kind, content)


def _in_tar(file: IO[bytes], size: int) -> Iterator[_Member]:
    """The members of a tar. To its end, so that the check sums of a compressed one are compared."""
    file.seek(0)
    opener = _OPENERS.get(file.read(2))
    file.seek(0)
    budget: Any = _Budget(opener(file) if opener else file, HEADER)
    headers = HEADERS + size
    with tarfile.open(fileobj=budget, mode="r:") as archive:
        while member := archive.next():
            headers -= HEADER - budget.left
            if headers < 0 or member.issparse():
                raise _RefusedError("has sparse files or more headers than any data set")
            archive.members.clear()  # type: ignore[attr-defined] # a million of them fill the memory
            archive.pax_headers = {}
            budget.left = LIMIT
            kind = stat.S_IFDIR if member.isdir() else stat.S_IFREG if member.isreg() else stat.S_IFLNK
            yield _Member(member.name, kind, archive.extractfile(member) if member.isreg() else None)
            budget.left = HEADER
    if budget.last.strip(b"\0"):
        raise tarfile.ReadError("a damaged header")
    budget.left = LIMIT
    while budget.read(CHUNK):
        pass
