"""Class names: those in a classes.txt, and the numbers of labels."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path

from eyespot.data.files import check_size
from eyespot.data.layouts.rows import Row
from eyespot.errors import BadFileError
from eyespot.escaping import is_line
from eyespot.zoo.cards import LabelledFile

CLASSES = "classes.txt"
LENGTH = 255  # characters of a class name
DIGITS = 9  # of a class number


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


def check_distinct(where: Path, names: Collection[str]) -> None:
    """BadFileError for names that are not a line in UTF-8, or equal on a system that ignores case."""
    seen: dict[str, str] = {}
    for name in names:
        if not is_line(name):
            raise BadFileError(f"{where}: the class name {name[:80]!r} is not a line of UTF-8; rename it")
        if len(name) > LENGTH:
            raise BadFileError(f"{where}: the class name {name[:40]!r}... has over {LENGTH} characters; shorten it")
        key = unicodedata.normalize("NFC", name).casefold()
        if other := seen.get(key):
            raise BadFileError(f"{where}: two classes of the same name, {other!r} and {name!r}; rename one")
        seen[key] = name


def is_number(label: str) -> bool:
    """Whether a label is a class number."""
    return label.isascii() and label.isdigit() and len(label) <= DIGITS


def number(path: Path, rows: Sequence[Row], classes: tuple[str, ...]) -> tuple[tuple[str, ...], list[LabelledFile]]:
    """The class names in label order, and the images with their labels as numbers.

    Labels are names of `classes` or numbers below their count. Without `classes` they are numbers whose names
    are unknown, (), or else names, sorted. BadFileError for an unknown label.
    """
    labels = dict.fromkeys(each.label for each in rows)
    if not classes and not all(map(is_number, labels)):
        classes = tuple(sorted(labels))
        check_distinct(path, classes)
    if labels.keys() <= set(classes):
        places = {name: place for place, name in enumerate(classes)}
        return classes, [LabelledFile(each.file, places[each.label], each.part) for each in rows]
    by_number = all(map(is_number, labels))
    for row in rows:
        if classes and by_number and int(row.label) >= len(classes):
            raise BadFileError(f"{row.where}: the label {row.label} is out of range 0..{len(classes) - 1} of {CLASSES}")
        if not by_number and row.label not in classes:
            raise BadFileError(f"{row.where}: the label {row.label[:80]!r} is not in {CLASSES}. Add it there")
    return classes, [LabelledFile(each.file, int(each.label), each.part) for each in rows]
