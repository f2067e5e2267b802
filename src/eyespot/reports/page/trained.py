"""What `train` left in a folder: the epochs, the parts of the data, the mistakes with their pictures."""

from __future__ import annotations

import contextlib
import csv
import io
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from eyespot.data import manifest
from eyespot.data.files import check_size
from eyespot.data.manifest import Manifest
from eyespot.errors import BadFileError
from eyespot.preprocessing.image import decode, to_pillow

RUN, MISTAKES, SHEET, CONFUSION = "run.csv", "mistakes.csv", "mistakes.png", "confusion.png"
LARGEST = 16 << 20  # bytes of a list
SHOWN = 24  # mistakes with pictures
SIDE, SMALL = 112, 64  # pixels of a thumbnail; of a picture that is kept as it is
WHOLE = 1100  # pixels of a sheet
LARGE = 1e12  # numbers in a file are smaller

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A wrongly classified picture; `picture` is a data URI, "" if it is not at hand."""

    file: str
    true: str
    called: str
    probability: float
    picture: str = ""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """`history` are the columns of run.csv over the epochs, `parts` counts images by class and part.

    `mistakes` are the surest of `wrong` ones. `sheets` are pictures of all answers by name, as data URIs.
    """

    history: Mapping[str, Points] = field(default_factory=dict)
    data: str = ""
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()
    wrong: int = 0
    sheets: Mapping[str, str] = field(default_factory=dict)


def trained(folder: Path) -> Trained:
    """Read a folder; what is not there is left out. BadFileError for damaged files."""
    noted = manifest.load(folder)
    mistakes = _mistakes(folder / MISTAKES, noted)
    parts: dict[str, Counter[str]] = {}
    for _, _, label, part in noted.rows if noted else ():
        parts.setdefault(label, Counter())[part] += 1
    instead = [CONFUSION, *([] if any(each.picture for each in mistakes) else [SHEET])]
    return Trained(
        history=_history(folder / RUN), data=Path(noted.data).name if noted else "", parts=parts,
        mistakes=tuple(mistakes[:SHOWN]), wrong=len(mistakes),
        sheets={name: thumbnail(folder / name, WHOLE) for name in instead if (folder / name).is_file()},
    )  # fmt: skip


def thumbnail(path: Path, side: int) -> str:
    """A picture of at most `side` pixels as a data URI. BadFileError for what does not decode."""
    picture = to_pillow(decode(path, 3))
    small = side > SIDE or max(picture.size) <= SMALL  # drawings and tiny pictures stay exact
    picture.thumbnail((side, side))
    file, form = io.BytesIO(), "png" if small else "jpeg"
    picture.save(file, form, **({"optimize": True} if small else {"quality": 82}))
    return f"data:image/{form};base64,{b64encode(file.getvalue()).decode()}"


def _mistakes(path: Path, noted: Manifest | None) -> list[Mistake]:
    """The mistakes, surest first, the first ones with their pictures where the user's folder is at hand."""
    rows = [_mistake(path, line, row) for line, row in _rows(path)[1:]]
    rows.sort(key=lambda each: -each.probability)
    return [_pictured(each, noted) if noted else each for each in rows[:SHOWN]] + rows[SHOWN:]


def _mistake(path: Path, line: int, row: Sequence[str]) -> Mistake:
    with _reading(path, line):
        file, true, called, probability = row[:4]
        return Mistake(file=file, true=true, called=called, probability=_number(probability))


def _pictured(mistake: Mistake, noted: Manifest) -> Mistake:
    """With its picture, if a file of the manifest has that name, or that name after a folder's."""
    file = next((file for file, *_ in noted.rows if f"/{file}".endswith(f"/{mistake.file}")), "")
    try:
        found = file and (Path(noted.data) / file).is_file()
        return replace(mistake, picture=thumbnail(Path(noted.data) / file, SIDE)) if found else mistake
    except BadFileError:
        return mistake


def _history(path: Path) -> dict[str, Points]:
    """The loss and each accuracy over the epochs."""
    (_, header), *rows = _rows(path) or [(1, [])]
    shown = [name for name in header if name == "loss" or name.endswith("_top1")]
    columns: dict[str, list[tuple[float, float]]] = {name: [] for name in shown if rows}
    for line, row in rows:
        with _reading(path, line):
            values = dict(zip(header, row, strict=True))
            for name, points in columns.items():
                points.append((_number(values["epoch"]), _number(values[name])))
    return {name: tuple(points) for name, points in columns.items()}


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The lines of a CSV file with their numbers, the headings first; [] without one."""
    if not path.is_file():
        return []
    check_size(path, LARGEST)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file)
        with _reading(path, 1):
            return [(reader.line_num, row) for row in reader]


@contextlib.contextmanager
def _reading(path: Path, line: int) -> Iterator[None]:
    """BadFileError that names the line for what is no row of the file."""
    try:
        yield
    except (ValueError, KeyError, csv.Error) as error:
        said = f"expected the column {error}" if isinstance(error, KeyError) else str(error)[:100]
        raise BadFileError(f"{path}: line {line}: {said}. Delete it or train again") from error


def _number(text: str) -> float:
    value = float(text)
    if not abs(value) < LARGE:
        raise ValueError(f"expected a number, found {text[:20]}")
    return value
