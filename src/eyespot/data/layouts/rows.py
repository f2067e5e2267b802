"""What every layout gives: images with their labels, and the parts that the user chose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from eyespot.errors import BadFileError

PART_NAMES = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip


class Row(NamedTuple):
    """An image: its path in the folder with forward slashes, its label, its part ("" if not given).

    `where` is the file, and the line, that says so.
    """

    file: str
    label: str
    part: str
    where: str


@dataclass(frozen=True)
class Found:
    """A folder of a known layout. `classes` is () if the rows alone say which there are."""

    layout: str
    rows: Sequence[Row]
    classes: tuple[str, ...] = ()
    skipped: int = 0


def part_of(name: str) -> str:
    """The part that a folder or a cell names, in any case; "" if it names none."""
    return PART_NAMES.get(name.strip().casefold(), "")


def check_once(rows: Sequence[Row]) -> None:
    """BadFileError for an image that is listed twice."""
    if not rows:
        return
    name, times = Counter(each.file for each in rows).most_common(1)[0]
    if times > 1:
        first, second, *_ = (each for each in rows if each.file == name)
        labels = "the same label" if first.label == second.label else "different labels"
        raise BadFileError(f"{second.where}: lists {name!r} again, with {labels} (before: {first.where}). Keep one")
