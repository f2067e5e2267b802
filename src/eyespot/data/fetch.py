"""Getting a data set from its publisher or from a user's copy, and unpacking archives safely."""

from __future__ import annotations

import contextlib
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any

from eyespot.artifacts import places
from eyespot.data import catalogue
from eyespot.data.download import download
from eyespot.errors import BadFileError, EyespotError, MissingDataError, RefusedError
from eyespot.nouns import Noun
from eyespot.progress import track
from eyespot.zoo import registry
from eyespot.zoo.cards import Dataset

LIMIT = 8 << 30  # bytes; several times the largest data set that is published as an archive

# what zipfile and tarfile raise for damaged archives
_DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, repr=False)
class Fetched(Noun):
    """A local data set: its folder, images per split and what was verified; `new` if anything was added."""

    data: str
    folder: Path
    splits: Mapping[str, int]
    verified: str
    new: bool


def fetch(card: Dataset, source: Path | None = None) -> Fetched:
    """Download, verify and lay out a data set; `source` takes the place of the download."""
    if card.root:
        raise RefusedError(f"{card.name}: is a folder of your own; use it as it is, with --data")
    folder = catalogue.folder(card)
    before = _counts(card)
    missing = card.splits.keys() - before.keys()
    optional = not any(card.splits[name] for name in missing)
    if missing and source:
        _install(card, source, folder)
    elif missing and (card.download or not optional):
        _install_download(card, folder)
    after, verified = _counts(card), registry.imported(card.reader).verify(card, folder)
    return Fetched(data=card.name, folder=folder, splits=after, verified=verified, new=after != before)


def _counts(card: Dataset) -> dict[str, int]:
    """Images in each split that is not missing. BadFileError for one that is damaged."""
    counts = {}
    for split in card.splits:
        with contextlib.suppress(MissingDataError):
            counts[split] = len(catalogue.open_split(card, split))
    return counts


def _install_download(card: Dataset, folder: Path) -> None:
    """Install the publisher's archive, which is kept under the data root unless it turns out to be bad."""
    remedy = f"eyespot fetch {card.name} --from FILE_OR_FOLDER"
    if not card.download:
        raise MissingDataError(f"{card.name}: no open download ({card.source}); bring a copy: {remedy}")
    path = places.data_root() / f".{card.name}.download"
    if not path.exists():
        download(card.download, path, f"with a copy of your own: {remedy}")
    try:
        _install(card, path, folder)
    except BadFileError:
        path.unlink()
        raise
    path.unlink()


def _install(card: Dataset, source: Path, folder: Path) -> None:
    """Copy the data set from a folder, or move it from an unpacked archive, if it passes verification.

    A kill leaves only a hidden folder. EyespotError if the disk is full or not writable.
    """
    if not source.exists():
        raise MissingDataError(f"{source}: no such file or folder; give the archive or what it contains")
    reader, place = registry.imported(card.reader), folder.with_name(f".{card.name}.partial")
    unpacked, whole = place / "unpacked" / source.name, place / "whole"
    shutil.rmtree(place, ignore_errors=True)
    try:
        whole.mkdir(parents=True)
        if source.is_file():
            unpack(source, unpacked)
            for name, part in reader.parts(unpacked).items():
                part.rename(whole / name)
        else:
            for name, part in reader.parts(source).items():
                _copy(part, whole / name)
        reader.verify(card, whole)
        _counts(replace(card, root=whole))
        _merge(whole, folder)
    except OSError as error:
        raise EyespotError(f"{place}: cannot be written ({error}); free some space and repeat") from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _copy(part: Path, target: Path) -> None:
    """Copy a file or a folder of files."""
    files = [path for path in part.rglob("*") if path.is_file()] if part.is_dir() else [part]
    for path in track(files, len(files), f"copy {part.name}"):
        copied = target / path.relative_to(part)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied)


def _merge(whole: Path, there: Path) -> None:
    """Move `whole` to its final name, or add what is missing there; existing files stay as they are."""
    if not there.exists():
        there.parent.mkdir(parents=True, exist_ok=True)
        whole.rename(there)
    elif whole.is_dir():
        for entry in sorted(whole.iterdir()):
            _merge(entry, there / entry.name)


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
            kind = stat.S_IFMT(member.external_attr >> 16)  # Unix mode; 0 if another system wrote the zip
            name, length, plain = member.filename, member.file_size, kind in {0, stat.S_IFREG, stat.S_IFDIR}
        path, size = PureWindowsPath(name), size + length  # splits at both slashes and knows drives
        problem = f"unpacks to more than {limit:,} bytes" if size > limit else ""
        if not plain:
            problem = f"its member {name[:80]!r} is a link or a device"
        if not name or path.anchor or ".." in path.parts or ":" in name or not name.isprintable():
            problem = f"its member {name[:80]!r} could leave the folder"
        if problem:
            raise BadFileError(f"{source}: {problem}; nothing was unpacked")
        checked.append(member)
    for member in track(checked, len(checked), f"unpack {source.name}"):
        archive.extract(member, folder)
