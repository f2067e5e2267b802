"""A user's folder: one folder of images per class, or images with a labels.csv.

    photos/cat/*.jpg, photos/dog/*.jpg             classes sorted by name, or as classes.txt lists them
    photos/labels.csv (file,class_index), *.jpg    names from classes.txt; without it, numbers only

Images in labels.csv may also be in a folder called images. The split `all` has all of them; train,
validation and test exist once `data.manifest` has decided which image is in which.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from eyespot.data.files import check_size, images_in, in_folders, open_files, read_labels
from eyespot.data.split import Split
from eyespot.errors import BadFileError
from eyespot.escaping import is_line, terminal
from eyespot.preprocessing.image import SUFFIXES
from eyespot.zoo.cards import Dataset, LabelledFile

LABELS, CLASSES = "labels.csv", "classes.txt"
ALL = "all"
LENGTH = 255  # characters of a class name


def card(path: Path) -> Dataset:
    """The card of a folder and its present images. BadFileError for another layout than above."""
    classes = read_classes(path / CLASSES) if (path / CLASSES).is_file() else ()
    if (path / LABELS).is_file():
        images = Path("images") if (path / "images").is_dir() else Path()
        rows = read_labels(path / LABELS, path / images, len(classes) or None)
        return _card(path, classes, [row._replace(file=(images / row.file).as_posix()) for row in rows])
    folders = [entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    if not folders:
        raise BadFileError(f"{path}: expected a folder for each class or {LABELS}, found neither")
    check_distinct(path, folders)
    if classes and (differing := sorted(set(folders) ^ set(classes))):
        raise BadFileError(f"{path}: {CLASSES} and the class folders differ in {', '.join(differing[:3])}")
    classes = classes or tuple(sorted(folders))
    return _card(path, classes, in_folders(path, classes, str(path)))


def unsorted(path: Path) -> tuple[Dataset, Split]:
    """Images without classes, for calibration only; their labels are 0."""
    card = _card(path, ("",), [LabelledFile(name, 0) for name in sorted(images_in(path, str(path)))])
    return card, read(card, path, ALL)


def is_unsorted(path: Path) -> bool:
    """Whether a folder contains images without classes."""
    if not path.is_dir() or (path / LABELS).is_file():
        return False
    return any(entry.suffix.lower() in SUFFIXES and entry.is_file() for entry in path.iterdir())


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open all of it or one part, images as (height, width, 3)."""
    return open_files(card, split, root, [each for each in card.files if split in {ALL, each.part}])


def _card(path: Path, classes: tuple[str, ...], files: Sequence[LabelledFile]) -> Dataset:
    return Dataset(
        name=str(path), title=terminal(path.resolve().name), classes=classes, splits={ALL: len(files)},
        source="a folder of yours", terms="Your own.", download=None, reader=__name__, test=ALL, root=path,
        files=tuple(files),
    )  # fmt: skip


def read_classes(path: Path) -> tuple[str, ...]:
    """The names in a classes.txt, one per line in label order. BadFileError for none or for equal ones."""
    check_size(path, 1 << 20)
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
    """BadFileError for names that are not a line in UTF-8, or equal on a system that ignores case."""
    seen: dict[str, str] = {}
    for name in names:
        if not is_line(name):
            raise BadFileError(f"{where}: the class name {name!r} is not a line of UTF-8; rename it")
        if len(name) > LENGTH:
            raise BadFileError(f"{where}: the class name {name[:40]!r}... has over {LENGTH} characters; shorten it")
        key = unicodedata.normalize("NFC", name).casefold()
        if other := seen.get(key):
            raise BadFileError(f"{where}: two classes of the same name, {other!r} and {name!r}; rename one")
        seen[key] = name
