"""A folder of the user's: one folder of images for each class, or images with a labels.csv.

    photos/cat/*.jpg, photos/dog/*.jpg             classes sorted by name, or as classes.txt lists them
    photos/labels.csv (file,class_index), *.jpg    names from classes.txt; without it, numbers only

Images that labels.csv names may also lie in a folder called images. Beside `all` of them there are the
splits train (80 %), validation and test (10 % each): the digest of an image's file decides, so that it
stands in one of them, however often it is there, and stays there when others are added.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from eyespot.artifacts.atomic import digest_file
from eyespot.data.files import from_folders, from_rows, images_in, read_labels
from eyespot.data.split import Split
from eyespot.errors import BadFileError, MissingDataError
from eyespot.preprocessing.image import SUFFIXES
from eyespot.zoo.cards import Dataset

LABELS, CLASSES = "labels.csv", "classes.txt"
ALL, PARTS = "all", ("train", "validation", "test")


def card(path: Path) -> Dataset:
    """The card of a folder, with the number of images that are in it now.

    Its classes are () where labels.csv comes without classes.txt.
    MissingDataError where there is no such folder, BadFileError where it is not laid out as above.
    """
    if not path.is_dir():
        raise MissingDataError(f"{path}: no such folder")
    classes, order = _classes(path)
    found = Dataset(
        name=str(path),
        title=path.resolve().name,
        classes=classes,
        splits={ALL: None, **dict.fromkeys(PARTS)},
        source=f"a folder of yours, {order}",
        terms="Your own.",
        download=None,
        reader=__name__,
        test=ALL,
        root=path,
    )
    return replace(found, splits={**found.splits, ALL: len(read(found, path, ALL))})


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open all of it or one part, images as (height, width, 3)."""

    def keep(path: Path) -> bool:
        return split == ALL or part_of(path) == split

    if (root / LABELS).is_file():
        images = root / "images" if (root / "images").is_dir() else root
        rows = read_labels(root / LABELS, images, len(card.classes) or None)
        return from_rows(card, split, images, [row for row in rows if keep(images / row[0])])
    return from_folders(card, split, [root / name for name in card.classes], keep=keep)


def is_unsorted(path: Path) -> bool:
    """Whether a folder holds images without any classes."""
    if not path.is_dir() or (path / LABELS).is_file():
        return False
    return any(entry.suffix.lower() in SUFFIXES for entry in path.iterdir() if entry.is_file())


def unsorted(path: Path) -> tuple[Dataset, Split]:
    """Images without classes, which can calibrate and nothing else; their labels are 0."""
    names = sorted(images_in(path, path.name))
    unnamed = Dataset(
        name=path.name, title=path.name, classes=("",), splits={ALL: None}, source="a folder of yours",
        terms="Your own.", download=None, reader=__name__, test=ALL, root=path,
    )  # fmt: skip
    return unnamed, from_rows(unnamed, ALL, path, [(name, 0) for name in names])


def part_of(path: Path) -> str:
    """The split that an image file is in, by the first byte of its sha256. BadFileError for no file."""
    try:
        told = path.stat()
        first = _first_byte(path, told.st_size, told.st_mtime_ns)
    except OSError as error:
        raise BadFileError(f"{path}: cannot be read ({error.strerror}); mend or remove it") from error
    return "train" if first < 205 else "validation" if first < 230 else "test"


def _classes(path: Path) -> tuple[tuple[str, ...], str]:
    """The class names, and where their order is from."""
    if (path / LABELS).is_file():
        listed = read_classes(path / CLASSES) if (path / CLASSES).is_file() else ()
        return (
            listed,
            f"classes as in its {CLASSES}" if listed else f"classes known by number only, no {CLASSES}",
        )
    folders = [entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    if not folders:
        raise BadFileError(f"{path}: expected a folder for each class or {LABELS}, found neither")
    check_distinct(path, folders)
    if not (path / CLASSES).is_file():
        return tuple(sorted(folders)), f"classes sorted by name, no {CLASSES}"
    listed = read_classes(path / CLASSES)
    if differing := set(folders) ^ set(listed):
        raise BadFileError(
            f"{path}: {CLASSES} and the class folders differ in {', '.join(sorted(differing)[:3])}"
        )
    return listed, f"classes as in its {CLASSES}"


@cache
def _first_byte(path: Path, size: int, changed: int) -> int:  # noqa: ARG001 (another file has others)
    return int(digest_file(path)[:2], 16)


def read_classes(path: Path) -> tuple[str, ...]:
    """The names in a classes.txt, one a line in label order. BadFileError for none or for equal ones."""
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise BadFileError(f"{path}: is not text in UTF-8") from error
    names = tuple(name for line in lines if (name := line.strip()))
    if not names:
        raise BadFileError(f"{path}: names no classes")
    check_distinct(path, names)
    return names


def check_distinct(where: Path, names: Sequence[str]) -> None:
    """BadFileError for names that are equal, or would be on a system that ignores case."""
    seen: dict[str, str] = {}
    for name in names:
        key = unicodedata.normalize("NFC", name).casefold()
        if key in seen:
            raise BadFileError(
                f"{where}: two classes of the same name, {seen[key]!r} and {name!r}; rename one"
            )
        seen[key] = name
