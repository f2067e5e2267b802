"""Data sets whose images are files: finding them, pairing them with labels, reading them one at a time."""

from __future__ import annotations

import csv
import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from eyespot.artifacts.atomic import digest_file
from eyespot.data.split import Split
from eyespot.errors import BadFileError, MissingDataError
from eyespot.preprocessing.image import SUFFIXES, decode
from eyespot.progress import track
from eyespot.zoo.cards import Dataset, LabelledFile

LITTER = frozenset({"thumbs.db", "desktop.ini"})  # files that file managers create, besides hidden ones

ROWS = 1_000_000  # images in a list; each line has 256 bytes at most on average


def holder(source: Path, *names: str) -> Path:
    """The folder that contains all `names`: `source` or one at most two levels below it, nearest first.

    Archives and users' copies differ in the folders around the data. BadFileError if there is none.
    """
    for depth in ("", "*", "*/*"):
        for folder in sorted(source.glob(depth)) if depth else [source]:
            if all((folder / name).exists() for name in names):
                return folder
    raise BadFileError(f"{source}: expected a folder with {' and '.join(names[:3])} in it, found none")


def images_in(folder: Path, data: str) -> list[str]:
    """Names of the images in a folder, unsorted. BadFileError if it is empty or contains other files."""
    try:
        entries = [e for e in os.scandir(folder) if e.name[0] != "." and e.name.lower() not in LITTER]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingDataError(f"{folder}: no such folder; get it with: eyespot fetch {data}") from error
    except OSError as error:
        raise BadFileError(f"{folder}: cannot be read ({error.strerror}); change its permissions") from error
    names = [e.name for e in entries if Path(e.name).suffix.lower() in SUFFIXES and os.path.isfile(e)]  # noqa: PTH113 (links in circles too)
    if others := sorted({e.name for e in entries}.difference(names)):
        raise BadFileError(
            f"{folder}: {len(others)} of {len(entries)} entries are not images ({others[0]}, ...); move them elsewhere"
        )
    if not names:
        raise BadFileError(f"{folder}: a class folder without images; add some or remove the folder")
    return names


def in_folders(root: Path, folders: Sequence[str], data: str) -> list[LabelledFile]:
    """The images of one folder per class, by file name, so that the first ones are of several classes."""
    named = [(name, label) for label, folder in enumerate(folders) for name in images_in(root / folder, data)]
    return [LabelledFile(f"{folders[label]}/{name}", label) for name, label in sorted(named)]


def open_files(card: Dataset, split: str, root: Path, files: Sequence[LabelledFile], channels: int = 3) -> Split:
    """A split of image files under `root`, in their order."""
    labels = np.array([each.label for each in files], np.int64)
    return Split(
        data=card.name, name=split, classes=card.classes, labels=labels,
        read=lambda i: decode(root / files[i].file, channels), path=lambda i: root / files[i].file,
    )  # fmt: skip


def read_labels(path: Path, folder: Path, classes: int | None) -> list[LabelledFile]:
    """The files and labels in a labels.csv; columns other than `file` and `class_index` are ignored.

    BadFileError names the line if a column is missing or a label is no number or not below `classes`, and
    the file if it is listed twice, not in `folder`, or named by a path that leaves it.
    """
    check_size(path, ROWS << 8)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # as spreadsheets write it
            reader = csv.DictReader(file)
            rows = [_row(f"{path}: line {reader.line_num}", row, classes) for row in islice(reader, ROWS + 1)]
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadFileError(f"{path}: is not a CSV file in UTF-8 ({error})") from error
    if not 0 < len(rows) <= ROWS:
        raise BadFileError(f"{path}: names {'no files' if not rows else f'more than {ROWS:,} files'}")
    name, times = Counter(each.file for each in rows).most_common(1)[0]
    if times > 1:
        raise BadFileError(f"{path}: names {name!r} {times} times")
    missing = [each.file for each in rows if not os.path.isfile(folder / each.file)]  # noqa: PTH113 (impossible names too)
    if missing:
        raise BadFileError(f"{path}: {len(missing)} of {len(rows)} files are not in {folder} ({missing[0]!r}, ...)")
    return rows


def _row(where: str, row: Mapping[str, str | None], classes: int | None) -> LabelledFile:
    name, label = row.get("file"), row.get("class_index")
    if not name or not label:
        raise BadFileError(f"{where}: expected the columns file and class_index")
    if not (label.isascii() and label.isdigit() and len(label) < 10):
        raise BadFileError(f"{where}: the label {label[:20]!r} is not a whole number from 0")
    if not is_inside(name):
        raise BadFileError(f"{where}: {name[:80]!r} leaves the folder. Name files by their path in it, with /")
    if classes is not None and int(label) >= classes:
        raise BadFileError(f"{where}: the label {label[:20]} is out of range 0..{classes - 1}")
    return LabelledFile(name, int(label))


def check_size(path: Path, most: int) -> None:
    """BadFileError for a text file that is larger than any list of images or classes."""
    if path.stat().st_size > most:
        raise BadFileError(f"{path}: {path.stat().st_size:,} bytes, expected at most {most:,}. Divide the folder")


def is_inside(name: str) -> bool:
    """Whether a path in a list, with forward slashes, stays in its folder on any system."""
    return not (name[:1] == "/" or name[1:2] == ":" or "\\" in name or "\0" in name or ".." in name.split("/"))


def verify_files(root: Path, card: Dataset, *patterns: str) -> str:
    """What was compared with the digest of the card. BadFileError if the matching files differ from it."""
    names = sorted(path.relative_to(root).as_posix() for pattern in patterns for path in root.glob(pattern))
    whole = hashlib.sha256()
    for name in track(names, len(names), f"verify {root.name}"):
        whole.update(f"{digest_file(root / name)}  {name}\n".encode())
    if (digest := whole.hexdigest()) != card.digest:
        raise BadFileError(
            f"{root}: its {len(names):,} files are not those of {card.name} (sha256 {digest[:12]}..., "
            f"expected {card.digest[:12]}...). Delete them and repeat: eyespot fetch {card.name}"
        )
    return f"sha256 of {len(names):,} files"
