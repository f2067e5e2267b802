"""Exports with boxes around objects. A picture's class is whether it contains an object of one kind.

`FOLDER:CLASS:AREA` gives the classes `no CLASS` and `CLASS`: a picture is of CLASS if one of its boxes for it
covers AREA % of the picture or more. By default AREA is 0.5, as Visual Wake Words has it (Chowdhery et al.,
arXiv:1906.05721). The class is part of the data's name, so that whatever names the data also says what it means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from eyespot.data.layouts.classes import check_distinct
from eyespot.data.layouts.rows import Found, Row, check_once
from eyespot.errors import BadArgumentError, BadFileError, UnknownNameError

AREA = 0.5  # % of a picture
SUFFIX = r"(.+?):([^:]+)(?::(\d{1,3}(?:\.\d{1,9})?)%?)?"


class Contains(NamedTuple):
    """What makes classes of boxes: whether there is one of this class that covers so many percent or more."""

    name: str
    area: float


@dataclass(frozen=True)
class Boxed:
    """A picture: its path, its part, and for each class the share of it, 0..1, that the largest box covers."""

    file: str
    part: str
    where: str
    largest: Mapping[str, float]


@dataclass(frozen=True)
class Export:
    """An export of the kind `layout`, with the class names of its boxes."""

    layout: str
    names: Sequence[str]
    pictures: Sequence[Boxed]
    skipped: int = 0


def parse(text: str) -> tuple[Path, Contains | None]:
    """FOLDER, FOLDER:CLASS or FOLDER:CLASS:AREA. BadArgumentError for an area beyond 100 %."""
    match = re.fullmatch(SUFFIX, text, re.ASCII | re.DOTALL)
    if match is None or Path(text).is_dir() or not Path(match[1]).is_dir():
        return Path(text), None
    area = AREA if match[3] is None else float(match[3])
    if area > 100:
        raise BadArgumentError(f"{text}: expected an area of 0 to 100 %, found {match[3]}")
    return Path(match[1]), Contains(match[2], area)


def suffix(contains: Contains | None) -> str:
    """What `parse` takes after the folder."""
    if contains is None:
        return ""
    return f":{contains.name}" + (f":{contains.area:g}" if contains.area != AREA else "")


def classify(path: Path, export: Export, contains: Contains | None) -> Found:
    """The pictures of an export with two classes. BadFileError without a question, UnknownNameError for its class."""
    names = sorted(set(export.names))
    if contains is None:
        raise BadFileError(
            f"{path}: has boxes ({export.layout}). Name the class that a picture contains, such as {path}:{names[0]}, "
            f"with the least area in % if it is not {AREA}: {path}:{names[0]}:5. There are: {', '.join(names[:20])}"
        )
    if contains.name not in names:
        raise UnknownNameError(f"class of boxes in {path}", contains.name, names)
    classes = (f"no {contains.name}", contains.name)
    check_distinct(path, classes)
    rows = [
        Row(each.file, classes[each.largest.get(contains.name, -1.0) * 100 >= contains.area], each.part, each.where)
        for each in sorted(export.pictures, key=lambda each: each.file)
    ]
    check_once(rows)
    return Found(export.layout, rows, classes, export.skipped)
