"""Lists of images: a CSV file with a heading, or Hugging Face's metadata.csv and metadata.jsonl.

    file,label,split        or another name of FILES and LABELS, with commas, semicolons or tabs
    1.jpg,cat,train         names or numbers; the column `split` is optional

Without it, files in folders called train, validation or test are in these parts, if all files are.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from eyespot.data.files import ROWS, check_size, is_inside
from eyespot.data.layouts import strict_json
from eyespot.data.layouts.classes import is_number
from eyespot.data.layouts.rows import Row, check_once, part_of
from eyespot.errors import BadFileError

LABELS_CSV, METADATA = "labels.csv", ("metadata.csv", "metadata.jsonl")
INDEX = "class_index"
FILES, LABELS, SPLITS = ("file", "filename", "file_name", "path", "image"), ("label", "class", INDEX), ("split",)
DELIMITERS = ",;\t"
IMAGES = "images"  # a folder that may hold the images of a list
LINE = 1 << 16  # characters of a heading


class Columns(NamedTuple):
    """Where a list has the file, the label and the split (-1: nowhere); whether labels are numbers."""

    file: int
    label: int
    split: int
    numbers: bool


def find(folder: Path, folders: Sequence[str] = ()) -> Path | None:
    """The list in a folder that also has `folders`; None if there is none.

    labels.csv is one and so are Hugging Face's; another CSV file is one by its heading, or if nothing but it
    can give classes. BadFileError for several.
    """
    named = [folder / name for name in (LABELS_CSV, *METADATA) if (folder / name).is_file()]
    others = sorted(path for path in folder.glob("*.[cC][sS][vV]") if path.is_file() and path.name[0] != ".")
    found = named or [path for path in others if _has_columns(path)]
    if not found and len(others) == 1 and not set(folders) - {IMAGES}:
        found = others
    if len(found) > 1:
        raise BadFileError(f"{folder}: two lists of images, {found[0].name} and {found[1].name}. Keep one of them")
    return found[0] if found else None


def read(path: Path, folder: Path | None = None) -> list[Row]:
    """The images in a list, with paths in `folder`, by default the list's own.

    BadFileError names the line where something is missing or wrong, and the file if it is listed twice, not
    in the folder, or named by a path that leaves it.
    """
    check_size(path, ROWS << 8)
    try:
        rows = list(islice(_of_json(path) if path.suffix == ".jsonl" else _of_csv(path), ROWS + 1))
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadFileError(f"{path}: is not a CSV file in UTF-8 ({error}). Save it as CSV UTF-8") from error
    if not 0 < len(rows) <= ROWS:
        raise BadFileError(f"{path}: names {'no files' if not rows else f'more than {ROWS:,} files'}")
    check_once(rows)
    folders = [next(filter(None, map(part_of, each.file.split("/")[:-1])), "") for each in rows]
    if all(folders) and not rows[0].part:
        rows = [each._replace(part=part) for each, part in zip(rows, folders, strict=True)]
    return _placed(rows, folder or path.parent)


def _placed(rows: list[Row], folder: Path) -> list[Row]:
    """With the folder `images`, if the first file is in it. BadFileError if a file does not exist."""
    inside = os.path.isfile(folder / IMAGES / rows[0].file)  # noqa: PTH113 (impossible names too)
    base = folder / IMAGES if inside else folder
    missing = [each for each in rows if not os.path.isfile(base / each.file)]  # noqa: PTH113
    if missing:
        raise BadFileError(
            f"{missing[0].where}: {len(missing)} of {len(rows)} files are not in {base} ({missing[0].file!r}, ...). "
            "Put them there, or delete their lines"
        )
    return [each._replace(file=f"{IMAGES}/{each.file}") for each in rows] if inside else rows


def _of_csv(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:  # as spreadsheets write it
        names, delimiter = _heading(path, file.readline(LINE))
        columns = _columns(f"{path}: line 1", names)
        reader = csv.reader(file, delimiter=delimiter)
        for row in reader:
            where = f"{path}: line {reader.line_num + 1}"
            if any(row) and len(row) <= max(columns[:3]):
                raise BadFileError(f"{where}: expected {len(names)} columns as in line 1, found {len(row)}. Correct it")
            if any(row):
                yield _row(where, columns, row)


def _of_json(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        for line, data in enumerate(file, start=1):
            if data.strip():
                yield _of_object(f"{path}: line {line}", data)


def _of_object(where: str, data: bytes) -> Row:
    found = strict_json.loads(data, where)
    if not isinstance(found, dict):
        raise BadFileError(f'{where}: expected an object such as {{"file_name": ..., "label": ...}}. Correct it')
    columns = _columns(where, [each.strip().casefold() for each in found])
    return _row(where, columns, [_text(where, i in columns[:3], each) for i, each in enumerate(found.values())])


def _text(where: str, needed: bool, value: object) -> str:
    if needed and (isinstance(value, bool) or not isinstance(value, str | int)):
        raise BadFileError(f"{where}: expected text or a whole number, found {str(value)[:40]!r}. Correct it")
    return str(value) if needed else ""


def _has_columns(path: Path) -> bool:
    """Whether a CSV file's first line names a column for the file and one for the label."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names, _ = _heading(path, file.readline(LINE))
    except (UnicodeDecodeError, BadFileError):
        return False
    return bool(set(names) & set(FILES) and set(names) & set(LABELS))


def _heading(path: Path, line: str) -> tuple[list[str], str]:
    """The columns' names, in lower case, and the delimiter with which they are known names."""
    for delimiter in DELIMITERS:
        try:
            names = [each.strip().casefold() for each in next(csv.reader([line], delimiter=delimiter), [])]
        except csv.Error:
            continue
        if set(names) & {*FILES, *LABELS}:
            return names, delimiter
    raise BadFileError(
        f"{path}: line 1: expected the columns {_expected()}; found {line.strip()[:80]!r}. Add a heading"
    )


def _columns(where: str, names: list[str]) -> Columns:
    """Where the file, the label and the split are; `file` and `class_index` win over the other names."""
    places = []
    for known, first, needed in ((FILES, FILES[0], True), (LABELS, INDEX, True), (SPLITS, SPLITS[0], False)):
        found = [name for name in names if name in known]
        chosen = [name for name in found if name == first] or found
        if len(chosen) > 1 or (needed and not chosen):
            have = ", ".join(chosen or names)[:80]
            raise BadFileError(f"{where}: expected the columns {_expected()}, once each; found {have!r}. Rename them")
        places.append(names.index(chosen[0]) if chosen else -1)
    return Columns(places[0], places[1], places[2], INDEX in names)


def _expected() -> str:
    return f"file (or {', '.join(FILES[1:])}) and label (or {', '.join(LABELS[1:])})"


def _row(where: str, columns: Columns, values: Sequence[str]) -> Row:
    name, label, split = (values[place].strip() if place >= 0 else "" for place in columns[:3])
    part = part_of(split)
    if not name or not label:
        raise BadFileError(f"{where}: expected a file and a label, found {name[:40]!r} and {label[:40]!r}. Correct it")
    if columns.numbers and not is_number(label):
        raise BadFileError(f"{where}: the label {label[:20]!r} is not a whole number from 0")
    if not is_inside(name):
        raise BadFileError(f"{where}: {name[:80]!r} leaves the folder. Name files by their path in it, with /")
    if columns.split >= 0 and not part:
        raise BadFileError(f"{where}: expected the split train, validation or test, found {split[:40]!r}. Correct it")
    return Row(PurePosixPath(name).as_posix(), label, part, where)  # ./a.png is a.png
