"""Archives: unpacked as a whole, and never outside the target folder."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath
from typing import Any

from eyespot.errors import BadFileError, EyespotError
from eyespot.progress import track

LIMIT = 8 << 30  # bytes; several times the largest data set that is published as an archive

# what zipfile and tarfile raise for damaged archives
_DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError
)  # fmt: skip


def unpack(source: Path, folder: Path, limit: int = LIMIT) -> None:
    """Unpack a zip or a tar (plain, gz, bz2, xz), recognised by content, into `folder`.

    All members are checked before the first is written. BadFileError for an archive that is cut short or
    damaged, contains a name that leaves the folder, a link or a device, or more than `limit` bytes.
    """
    try:
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as zipped:
                _extract(zipped, zipped.infolist(), source, folder, limit)
        else:
            with tarfile.open(source) as tar:
                tar.extraction_filter = tarfile.data_filter
                _extract(tar, tar, source, folder, limit)
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise BadFileError(f"{source}: cut short, damaged or no archive ({reason}); get it again") from error
    except OSError as error:
        raise EyespotError(f"{source}: cannot be unpacked into {folder} ({error})") from error


def _extract(archive: Any, members: Iterable[Any], source: Path, folder: Path, limit: int) -> None:
    """Check all members, then write them."""
    checked, size = [], 0
    for member in members:  # one at a time, because a tar is decompressed on the way
        if isinstance(member, tarfile.TarInfo):
            name, length, plain = member.name, member.size, member.isreg() or member.isdir()
        else:
            kind = stat.S_IFMT(member.external_attr >> 16)  # Unix mode; 0 if another system made the zip
            name, length, plain = member.filename, member.file_size, kind in {0, stat.S_IFREG, stat.S_IFDIR}
        size += length
        problem = f"unpacks to more than {limit:,} bytes" if size > limit else _problem(name, plain=plain)
        if problem:
            raise BadFileError(f"{source}: {problem}; nothing was unpacked")
        checked.append(member)
    for member in track(checked, len(checked), f"unpack {source.name}"):
        archive.extract(member, folder)


def _problem(name: str, *, plain: bool) -> str:
    """What is wrong with a name that could leave the folder on any system, with a link or a device."""
    path = PureWindowsPath(name)  # splits at both slashes and knows drives
    if not name or path.anchor or ".." in path.parts or ":" in name or not name.isprintable():
        return f"its member {name[:80]!r} could leave the folder"
    return "" if plain else f"its member {name[:80]!r} is a link or a device"
