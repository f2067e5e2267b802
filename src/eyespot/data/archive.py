"""Archives: unpacked whole, and never outside the folder that they are given."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path, PureWindowsPath

from eyespot.errors import BadFileError, EyespotError
from eyespot.progress import track

LIMIT = 8 << 30  # bytes; several times the largest data set that is published as an archive

# what the two libraries raise for bytes that are not as they should be
_DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError
)  # fmt: skip


def unpack(source: Path, folder: Path, limit: int = LIMIT) -> None:
    """Unpack a zip or a tar (plain, gz, bz2, xz), told apart by content, into `folder`.

    All members are looked at before the first is written. BadFileError for an archive that is cut short
    or damaged, holds a name that leaves the folder, a link or a device, or more than `limit` bytes.
    """
    try:
        (_unzip if zipfile.is_zipfile(source) else _untar)(source, folder, limit)
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise BadFileError(f"{source}: cut short, damaged or no archive ({reason}); get it again") from error
    except OSError as error:
        raise EyespotError(f"{source}: cannot be unpacked into {folder} ({error})") from error


def _unzip(source: Path, folder: Path, limit: int) -> None:
    with zipfile.ZipFile(source) as archive:
        members = archive.infolist()
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)  # Unix mode; 0 where another system made the zip
            _check(source, member.filename, plain=kind in {0, stat.S_IFREG, stat.S_IFDIR})
        _check_size(source, sum(member.file_size for member in members), limit)
        for member in track(members, len(members), f"unpack {source.name}"):
            archive.extract(member, folder)


def _untar(source: Path, folder: Path, limit: int) -> None:
    with tarfile.open(source) as archive:
        size = 0
        for member in archive:
            _check(source, member.name, plain=member.isreg() or member.isdir())
            size += member.size
            _check_size(source, size, limit)
        members = archive.getmembers()
        for member in track(members, len(members), f"unpack {source.name}"):
            archive.extract(member, folder, filter="data")


def _check(source: Path, name: str, *, plain: bool) -> None:
    """BadFileError for a name that could leave the folder on any system, and for links and devices."""
    path = PureWindowsPath(name)  # splits at both slashes and knows drives
    if not name or path.anchor or ".." in path.parts or ":" in name or not name.isprintable():
        raise BadFileError(f"{source}: its member {name[:80]!r} could leave the folder; nothing was unpacked")
    if not plain:
        raise BadFileError(f"{source}: its member {name[:80]!r} is a link or a device; nothing was unpacked")


def _check_size(source: Path, size: int, limit: int) -> None:
    if size > limit:
        raise BadFileError(f"{source}: unpacks to more than {limit:,} bytes; nothing was unpacked")
