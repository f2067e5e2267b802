"""Data sets whose images are files: finding them, pairing them with labels, reading them one at a time."""

from __future__ import annotations

import csv
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from eyespot.artifacts.atomic import digest_file
from eyespot.data.split import Image, Split
from eyespot.errors import BadFileError, MissingDataError
from eyespot.preprocessing.image import SUFFIXES, decode
from eyespot.progress import track
from eyespot.zoo.cards import Dataset

LITTER = frozenset({"thumbs.db", "desktop.ini"})  # what file managers leave behind, besides hidden files


def holder(source: Path, *names: str) -> Path:
    """The folder that holds all `names`: `source` or one at most two levels below it, the nearest first.

    Archives and users' copies differ in the folders around the data. BadFileError where there is none.
    """
    for depth in ("", "*", "*/*"):
        for folder in sorted(source.glob(depth)) if depth else [source]:
            if all((folder / name).exists() for name in names):
                return folder
    raise BadFileError(f"{source}: expected a folder with {' and '.join(names[:3])} in it, found none")


def images_in(folder: Path, data: str) -> list[str]:
    """Names of the images in a folder of a data set, unsorted.

    MissingDataError where the folder is not there, BadFileError where it is empty or holds other things.
    """
    try:
        found = [entry.name for entry in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingDataError(f"{folder}: no such folder; get it with: eyespot fetch {data}") from error
    names = [name for name in found if not name.startswith(".") and name.lower() not in LITTER]
    others = [name for name in names if f".{name.rpartition('.')[2].lower()}" not in SUFFIXES]
    if others:
        raise BadFileError(
            f"{folder}: {len(others)} of {len(names)} entries are not images ({sorted(others)[0]}, ...); "
            "move them elsewhere"
        )
    if not names:
        raise BadFileError(f"{folder}: a class folder without images; add some or remove the folder")
    return names


def from_folders(
    card: Dataset,
    split: str,
    folders: Sequence[Path],
    *,
    channels: int = 3,
    keep: Callable[[Path], bool] | None = None,
) -> Split:
    """A split made of one folder for each class, in label order; only the files that `keep` accepts.

    Images are ordered by file name across the classes, so that the first ones are not all of one class.
    """
    found = [(name, label) for label, folder in enumerate(folders) for name in images_in(folder, card.name)]
    pairs = sorted(pair for pair in found if keep is None or keep(folders[pair[1]] / pair[0]))
    names, labels = [name for name, _ in pairs], np.array([label for _, label in pairs], np.int64)

    def image(i: int) -> Image:
        return decode(folders[labels[i]] / names[i], channels)

    return Split(data=card.name, name=split, classes=card.classes, labels=labels, read=image)


def from_rows(card: Dataset, split: str, folder: Path, rows: Sequence[tuple[str, int]]) -> Split:
    """A split made of (file under `folder`, label) rows, in their order."""
    names = [name for name, _ in rows]

    def image(i: int) -> Image:
        return decode(folder / names[i], 3)

    labels = np.array([label for _, label in rows], np.int64)
    return Split(data=card.name, name=split, classes=card.classes, labels=labels, read=image)


def read_labels(path: Path, folder: Path, classes: int | None) -> list[tuple[str, int]]:
    """The (file, class_index) rows of a labels.csv, whose other columns say nothing to us.

    BadFileError naming the line where a column is missing or a label is no number or not below
    `classes`, and the file that is named twice or not in `folder`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # as spreadsheets write it
            reader = csv.DictReader(file)
            lines = [(reader.line_num, row.get("file"), row.get("class_index")) for row in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadFileError(f"{path}: is not a CSV file in UTF-8 ({error})") from error
    rows = [_row(f"{path}: line {number}", name, label, classes) for number, name, label in lines]
    _check_files(path, folder, [name for name, _ in rows])
    return rows


def _row(where: str, name: str | None, label: str | None, classes: int | None) -> tuple[str, int]:
    if not name or not label:
        raise BadFileError(f"{where}: expected the columns file and class_index")
    if not (label.isascii() and label.isdigit() and len(label) < 10):
        raise BadFileError(f"{where}: the label {label[:20]!r} is not a whole number from 0")
    if classes is not None and int(label) >= classes:
        raise BadFileError(f"{where}: the label {label[:20]} is out of range 0..{classes - 1}")
    return name, int(label)


def _check_files(path: Path, folder: Path, names: Sequence[str]) -> None:
    """BadFileError for no files, files named twice and files that are not there."""
    if not names:
        raise BadFileError(f"{path}: names no files")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise BadFileError(f"{path}: names {name!r} {times} times")
    missing = [name for name in names if not os.path.isfile(folder / name)]  # noqa: PTH113 (impossible names too)
    if missing:
        raise BadFileError(
            f"{path}: {len(missing)} of {len(names)} files are not in {folder} ({missing[0]!r}, ...)"
        )


def files_digest(root: Path, names: Sequence[str]) -> str:
    """Sha256 of what `sha256sum NAMES` prints in `root`: one digest that pins many files."""
    whole = hashlib.sha256()
    for name in track(names, len(names), f"verify {root.name}"):
        whole.update(f"{digest_file(root / name)}  {name}\n".encode())
    return whole.hexdigest()


def verify_files(root: Path, names: Sequence[str], expected: str) -> str:
    """What was verified, in words. BadFileError where the files' digest is another."""
    if (found := files_digest(root, names)) != expected:
        raise BadFileError(
            f"{root}: its {len(names):,} files are not the expected ones (sha256 {found[:12]}..., expected "
            f"{expected[:12]}...); get them again"
        )
    return f"sha256 of {len(names):,} files"
