"""Class folders, alone or in folders of parts, as torchvision's ImageFolder has them.

photos/cat/1.jpg                        every folder is a class
photos/train/cat/1.jpg, photos/test/    train; val, valid or validation; test: class folders or a list in each
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eyespot.data.files import Entries, entries, only_images
from eyespot.data.layouts import lists
from eyespot.data.layouts.classes import CLASSES, check_distinct
from eyespot.data.layouts.rows import Found, Row, part_of
from eyespot.data.manifest import PARTS
from eyespot.errors import BadFileError


def read(path: Path, found: Entries, classes: tuple[str, ...]) -> Found:
    """The images of a folder with these entries; `classes` are those of its classes.txt.

    BadFileError for a folder that has neither class folders nor parts, or both.
    """
    if not found.folders:
        raise BadFileError(f"{path}: expected a folder for each class or {lists.LABELS_CSV}, found neither. Add one")
    parts = [name for name in found.folders if part_of(name) and _is_part(path / name)]
    if not parts and not all(map(part_of, found.folders)):
        _refuse_wrapped(path, found.folders)
        return _checked(path, _classes(path, found.folders, ""), found.skipped, classes)
    if others := [name for name in found.folders if name not in parts]:
        what = "has images without classes" if part_of(others[0]) else "is no part, but beside parts"
        raise BadFileError(f"{path / others[0]}: {what}. Sort its images into class folders, or move it elsewhere")
    each = [_part(path, name, part) for name, part in _distinct(path, parts).items()]
    skipped = found.skipped + sum(some.skipped for some in each)
    whole = Found("parts", [row for some in each for row in some.rows])
    if all(some.layout == "list" for some in each):
        return replace(whole, classes=classes, skipped=skipped)
    return _checked(path, whole, skipped, classes)


def _is_part(folder: Path) -> bool:
    """Whether a folder with the name of a part is one: a class called train or test has images instead."""
    inside = entries(folder)
    return bool(not inside.images or lists.find(folder, inside.folders))


def _distinct(path: Path, names: Sequence[str]) -> dict[str, str]:
    """The folders and their parts, in the order train, validation, test. BadFileError for two of a part."""
    named: dict[str, str] = {}
    for name in names:
        part = part_of(name)
        if part in named:
            raise BadFileError(f"{path}: {named[part]} and {name} are both the {part} part. Merge them")
        named[part] = name
    return {named[part]: part for part in PARTS if part in named}


def _part(path: Path, name: str, part: str) -> Found:
    """The images in the folder of a part."""
    inside = entries(path / name)
    if listed := lists.find(path / name, inside.folders):
        rows = lists.read(listed)
        return Found(
            "list", [row._replace(file=f"{name}/{row.file}", part=part) for row in rows], skipped=inside.skipped
        )
    if not inside.folders:
        raise BadFileError(f"{path / name}: the {part} part is empty. Add class folders with images, or remove it")
    some = _classes(path, [f"{name}/{each}" for each in inside.folders], part)
    return Found("parts", some.rows, skipped=some.skipped + inside.skipped)


def _classes(path: Path, folders: Sequence[str], part: str) -> Found:
    """The images of one folder per class, by file name, so that the first ones are of several classes."""
    check_distinct(path, [folder.rpartition("/")[2] for folder in folders])
    rows, skipped = list[tuple[str, Row]](), 0
    for folder in folders:
        inside = only_images(path / folder)
        label = folder.rpartition("/")[2]
        skipped += inside.skipped
        rows += [(name, Row(f"{folder}/{name}", label, part, str(path / folder))) for name in inside.images]
    return Found("class folders", [row for _, row in sorted(rows)], skipped=skipped)


def _checked(path: Path, found: Found, skipped: int, classes: tuple[str, ...]) -> Found:
    """With its classes. BadFileError if they have equal names or are not those of the classes.txt."""
    names = {row.label for row in found.rows}
    check_distinct(path, sorted(names))
    if classes and (differing := sorted(names ^ set(classes))):
        raise BadFileError(f"{path}: {CLASSES} and the class folders differ in {', '.join(differing[:3])}")
    return Found(found.layout, found.rows, classes or tuple(sorted(names)), found.skipped + skipped)


def _refuse_wrapped(path: Path, folders: Sequence[str]) -> None:
    """BadFileError for a folder around the class folders, as archives have it."""
    inside = entries(path / folders[0])
    if len(folders) == 1 and (lists.find(path / folders[0], inside.folders) or (inside.folders and not inside.images)):
        raise BadFileError(
            f"{path}: expected a folder for each class, found only {folders[0]!r}, which has more in it than "
            f"images. Give that one: {path / folders[0]}"
        )
