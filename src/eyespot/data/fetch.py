"""Getting a data set, from its publisher or from a copy of the user's."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from eyespot.artifacts import places
from eyespot.data import archive, catalogue
from eyespot.data.download import download
from eyespot.errors import BadFileError, EyespotError, MissingDataError, RefusedError
from eyespot.nouns import Noun
from eyespot.progress import track
from eyespot.zoo import registry
from eyespot.zoo.cards import Dataset


@dataclass(frozen=True, kw_only=True, repr=False)
class Fetched(Noun):
    """A data set at hand: its folder, the images in each split, and what was verified.

    `new` is False if it was there already and nothing had to be done.
    """

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
    optional = not any(card.splits[name] for name in missing)  # and then only what is easy to get
    if missing and (source or card.download or not optional):
        _install(card, source or _downloaded(card), folder)
    after, verified = _counts(card), registry.imported(card.reader).verify(card, folder)
    return Fetched(data=card.name, folder=folder, splits=after, verified=verified, new=after != before)


def _counts(card: Dataset) -> dict[str, int]:
    """Images in each split that is at hand. BadFileError for one that is damaged."""
    counts = {}
    for split in card.splits:
        with contextlib.suppress(MissingDataError):
            counts[split] = len(catalogue.open_split(card, split))
    return counts


def _downloaded(card: Dataset) -> Path:
    """The publisher's archive, kept under the data root until it is installed."""
    if not card.download:
        raise MissingDataError(
            f"{card.name}: there is no open download ({card.source}); "
            f"bring a copy: eyespot fetch {card.name} --from FILE_OR_FOLDER"
        )
    path = places.data_root() / f".{card.name}.download"
    remedy = f"with a copy of your own: eyespot fetch {card.name} --from FILE_OR_FOLDER"
    return path if path.exists() else download(card.download, path, remedy)


def _install(card: Dataset, source: Path, folder: Path) -> None:
    """Put what `source` holds into `folder`, verified first; a kill leaves a hidden folder at most."""
    if not source.exists():
        raise MissingDataError(
            f"{source}: no such file or folder; give the publisher's archive or what it holds"
        )
    ours = source == places.data_root() / f".{card.name}.download"
    try:
        with _workplace(folder.with_name(f".{card.name}.partial")) as place:
            _lay_out(card, source, place)
            registry.imported(card.reader).verify(card, place / "whole")
            _counts(replace(card, root=place / "whole"))
            _merge(place / "whole", folder)
    except BadFileError:
        if ours:  # whatever the publisher sent, it will not do: begin anew next time
            source.unlink()
        raise
    if ours:
        source.unlink()


@contextlib.contextmanager
def _workplace(place: Path) -> Iterator[Path]:
    """An empty folder that is gone afterwards. EyespotError where the disk is full or not writable."""
    shutil.rmtree(place, ignore_errors=True)
    try:
        place.mkdir(parents=True)
        yield place
    except OSError as error:
        raise EyespotError(f"{place}: cannot be written ({error}); free some space and repeat") from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _lay_out(card: Dataset, source: Path, place: Path) -> None:
    """Copy (from a user's folder) or move (from an unpacked archive) the data set's parts to place/whole."""
    is_archive, unpacked = source.is_file(), place / "unpacked" / source.name
    if is_archive:
        archive.unpack(source, unpacked)
    (place / "whole").mkdir()
    for name, part in registry.imported(card.reader).parts(unpacked if is_archive else source).items():
        if is_archive:
            part.rename(place / "whole" / name)
        else:
            _copy(part, place / "whole" / name)


def _copy(part: Path, target: Path) -> None:
    """Copy a file or a folder of files."""
    files = [path for path in part.rglob("*") if path.is_file()] if part.is_dir() else [part]
    for path in track(files, len(files), f"copy {part.name}"):
        copied = target / path.relative_to(part)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied)


def _merge(whole: Path, there: Path) -> None:
    """Move `whole` to its final name; of what is there already nothing is touched, what it lacks is added."""
    if not there.exists():
        there.parent.mkdir(parents=True, exist_ok=True)
        whole.rename(there)
    elif whole.is_dir():
        for entry in sorted(whole.iterdir()):
            _merge(entry, there / entry.name)
