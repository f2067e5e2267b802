"""Getting a data set from its publisher or from a user's copy."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from eyespot.artifacts import lock
from eyespot.data import catalogue
from eyespot.data.archive import unpack
from eyespot.data.download import download
from eyespot.errors import BadFileError, EyespotError, MissingDataError, RefusedError
from eyespot.nouns import Noun
from eyespot.progress import track
from eyespot.zoo import registry
from eyespot.zoo.cards import Dataset, Download


@dataclass(frozen=True, kw_only=True, repr=False)
class Fetched(Noun):
    """A local data set: its folder, images per split and what was verified; `new` if anything was added."""

    data: str
    folder: Path
    splits: Mapping[str, int]
    verified: str
    new: bool


def fetch(card: Dataset, source: Path | None = None, unverified: bool = False) -> Fetched:
    """Download, verify and lay out a data set; `source` takes the place of the download.

    A second process waits. RefusedError for a download of which no digest is known, unless `unverified`.
    """
    if card.root:
        raise RefusedError(f"{card.name}: is a folder of your own; use it as it is, with --data")
    folder, before = catalogue.folder(card), _counts(card)
    if card.splits.keys() - before.keys() or _leftovers(folder):
        with lock.held(folder.parent, f".{card.name}.lock"):
            _add_missing(card, source, folder, unverified)
            _discard(folder)
    after, verified = _counts(card), registry.imported(card.reader).verify(card, folder)
    return Fetched(data=card.name, folder=folder, splits=after, verified=verified, new=after != before)


def _leftovers(folder: Path) -> list[Path]:
    """What a fetch that was killed left beside a data set."""
    return list(folder.parent.glob(f".{folder.name}.*"))


def _discard(folder: Path) -> None:
    for path in _leftovers(folder):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix != ".lock":
            path.unlink()


def _add_missing(card: Dataset, source: Path | None, folder: Path, unverified: bool) -> None:
    missing = card.splits.keys() - _counts(card).keys()
    if missing and source:
        _install(card, source, folder)
    elif card.download and missing:
        _install_download(card, card.download, unverified, folder)
    elif any(card.splits[name] for name in missing):
        raise MissingDataError(f"{card.name}: no open download ({card.source}); bring a copy: {_remedy(card)}")


def _remedy(card: Dataset) -> str:
    return f"eyespot fetch {card.name} --from FILE_OR_FOLDER"


def _counts(card: Dataset) -> dict[str, int]:
    """Images in each split that is not missing. BadFileError for one that is damaged."""
    counts = {}
    for split in card.splits:
        with contextlib.suppress(MissingDataError):
            counts[split] = len(catalogue.open_split(card, split))
    return counts


def _install_download(card: Dataset, source: Download, unverified: bool, folder: Path) -> None:
    """Install the publisher's archive, which is kept under the data root unless it turns out to be bad."""
    if not (source.pinned or unverified):
        raise RefusedError(
            f"{source.url}: its publisher gives no digest, so nothing can verify it. To use it all the same: "
            f"eyespot fetch {card.name} --unverified"
        )
    path = folder.with_name(f".{card.name}.download")
    if not path.exists():
        download(source, path, f"with a copy of your own: {_remedy(card)}")
    try:
        _install(card, path, folder)
    except BadFileError:
        path.unlink()
        raise


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
