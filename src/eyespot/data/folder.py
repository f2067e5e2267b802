"""A folder of the user's: one folder of images for each class, or images with a labels.csv.

    photos/cat/*.jpg, photos/dog/*.jpg             classes sorted by name, or as classes.txt lists them
    photos/labels.csv (file,class_index), *.jpg    names from classes.txt; without it, numbers only

Images that labels.csv names may also lie in a folder called images. Beside `all` of them there are the
splits train, validation and test, once `data.manifest` has decided which image is in which.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from eyespot.data.files import images_in, in_folders, open_files, read_labels
from eyespot.data.split import Split
from eyespot.errors import BadFileError, MissingDataError
from eyespot.preprocessing.image import SUFFIXES
from eyespot.zoo.cards import Dataset, LabelledFile

LABELS, CLASSES = "labels.csv", "classes.txt"
ALL = "all"


def card(path: Path) -> Dataset:
    """The card of a folder, with the images that are in it now.

    Its classes are () where labels.csv comes without classes.txt.
    MissingDataError where there is no such folder, BadFileError where it is not laid out as above.
    """
    if not path.is_dir():
        raise MissingDataError(f"{path}: no such folder")
    classes = _classes(path)
    return _card(path, str(path), classes, _files(path, classes))


def unsorted(path: Path) -> tuple[Dataset, Split]:
    """Images without classes, which can calibrate and nothing else; their labels are 0."""
    files = [LabelledFile(name, 0) for name in sorted(images_in(path, path.name))]
    unnamed = _card(path, path.name, ("",), files)
    return unnamed, read(unnamed, path, ALL)


def is_unsorted(path: Path) -> bool:
    """Whether a folder holds images without any classes."""
    if not path.is_dir() or (path / LABELS).is_file():
        return False
    return any(entry.suffix.lower() in SUFFIXES for entry in path.iterdir() if entry.is_file())


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open all of it or one part, images as (height, width, 3)."""
    return open_files(card, split, root, [each for each in card.files if split in {ALL, each.part}])


def _card(path: Path, name: str, classes: tuple[str, ...], files: Sequence[LabelledFile]) -> Dataset:
    return Dataset(
        name=name, title=path.resolve().name, classes=classes, splits={ALL: len(files)},
        source="a folder of yours", terms="Your own.", download=None, reader=__name__, test=ALL, root=path,
        files=tuple(files),
    )  # fmt: skip


def _files(path: Path, classes: tuple[str, ...]) -> list[LabelledFile]:
    if not (path / LABELS).is_file():
        return in_folders(path, classes, str(path))
    images = Path("images") if (path / "images").is_dir() else Path()
    rows = read_labels(path / LABELS, path / images, len(classes) or None)
    return [each._replace(file=(images / each.file).as_posix()) for each in rows]


def _classes(path: Path) -> tuple[str, ...]:
    """The class names in label order, () if only their numbers are known."""
    listed = read_classes(path / CLASSES) if (path / CLASSES).is_file() else ()
    if (path / LABELS).is_file():
        return listed
    folders = [entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    if not folders:
        raise BadFileError(f"{path}: expected a folder for each class or {LABELS}, found neither")
    check_distinct(path, folders)
    if listed and (differing := sorted(set(folders) ^ set(listed))):
        raise BadFileError(f"{path}: {CLASSES} and the class folders differ in {', '.join(differing[:3])}")
    return listed or tuple(sorted(folders))


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
    """BadFileError for names that are equal, or would be on a system that ignores case, or no UTF-8."""
    seen: dict[str, str] = {}
    for name in names:
        if name.encode(errors="replace").decode() != name:
            raise BadFileError(f"{where}: the class name {name!r} is not UTF-8; rename it")
        key = unicodedata.normalize("NFC", name).casefold()
        if key in seen:
            raise BadFileError(
                f"{where}: two classes of the same name, {seen[key]!r} and {name!r}; rename one"
            )
        seen[key] = name
