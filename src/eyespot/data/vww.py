"""Visual wake words: pictures with a person or without (Chowdhery et al., arXiv:1906.05721).

Two optional parts. `vww01`, the test split, is MLPerf Tiny's accuracy set: 1,000 images as raw bytes
(96, 96, 3) and y_labels.csv (file, number of classes, label). `vw_coco2014_96`, for training and
validation, has the folders person and non_person of 96 x 96 JPEG. Both come from COCO 2014 and keep its
image numbers in their file names. See docs/visual-wake-words.md.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from eyespot.data.files import holder, in_folders, open_files, verify_files
from eyespot.data.split import Image, Split
from eyespot.errors import BadFileError, MissingDataError
from eyespot.zoo.cards import Dataset

TEST, TRAIN = "vww01", "vw_coco2014_96"
FOLDERS = ("non_person", "person")
SIDE = 96
BYTES = SIDE * SIDE * 3
LONGEST = 60  # characters of a file name


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open a split. Training and validation leave out every image of vww01, by its COCO number.

    One image in ten is for validation, chosen by a digest of its file name.
    """
    if split == "test":
        return _read_test(card, root / TEST)
    tests, selected = test_labels(), []
    for each in in_folders(root, [f"{TRAIN}/{folder}" for folder in FOLDERS], card.name):
        name = Path(each.file).name
        validates = hashlib.sha256(name.encode()).digest()[0] * 10 < 256
        if coco_number(name) not in tests and validates == (split == "validation"):
            selected.append(each)
    return open_files(card, split, root, selected)


def parts(source: Path) -> dict[str, Path]:
    """The parts that `source` has. BadFileError if it has neither."""
    present = {}
    with contextlib.suppress(BadFileError):
        present[TEST] = holder(source, "y_labels.csv")
    with contextlib.suppress(BadFileError):
        present[TRAIN] = holder(source, *FOLDERS)
    return present or {TRAIN: holder(source, *FOLDERS)}


def verify(card: Dataset, root: Path) -> str:
    """Compare vww01 with MLPerf Tiny's. If it was rebuilt from COCO its bytes differ, which is no error."""
    if not (root / TEST).is_dir():
        return f"nothing: the publisher of {TRAIN} gives no digests"
    try:
        return verify_files(root / TEST, card, "*.bin", "*.csv")
    except BadFileError:
        return f"{TEST} is not MLPerf Tiny's own, byte for byte: rebuilt?"


def test_labels() -> dict[int, int]:
    """COCO image number -> label of vww01's 1,000 images, in its order.

    Source: y_labels.csv in github.com/mlcommons/tiny, benchmark/evaluation/datasets/vww01 (Apache-2.0).
    """
    with Path(__file__).with_name("vww01.csv").open(newline="") as file:
        return {int(number): int(label) for number, label in csv.reader(file)}


def coco_number(name: str) -> int | None:
    """The image number in a file name: COCO_val2014_000000000042.jpg -> 42."""
    number = re.search(r"(\d+)\.\w+$", name, re.ASCII)
    return int(number[1]) if number else None


def _read_test(card: Dataset, folder: Path) -> Split:
    rows = sorted(_rows(folder / "y_labels.csv"))  # there all persons come first
    names, labels = [name for name, _ in rows], np.array([label for _, label in rows], np.int64)
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise BadFileError(f"{folder}: {len(missing)} of {len(names)} files are missing ({missing[0]}, ...)")

    def image(i: int) -> Image:
        data = (folder / names[i]).read_bytes()
        if len(data) != BYTES:
            raise BadFileError(f"{folder / names[i]}: {len(data):,} bytes, expected {BYTES:,}; get it again")
        return np.frombuffer(data, np.uint8).reshape(SIDE, SIDE, 3)

    return Split(data=card.name, name="test", classes=card.classes, labels=labels, read=image)


def _rows(path: Path) -> Iterator[tuple[str, int]]:
    """(file, label) of each line of y_labels.csv."""
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; bring a copy: eyespot fetch vww --from FOLDER")
    try:
        rows = list(csv.reader(path.read_text("utf-8", errors="replace").splitlines()))
    except csv.Error as error:
        raise BadFileError(f"{path}: {error}; get it again") from error
    for number, row in enumerate(rows, start=1):
        named = len(row) == 3 and Path(row[0]).name == row[0] and len(row[0]) <= LONGEST
        if not named or row[2].strip() not in {"0", "1"}:
            found = str(row)[:100]
            raise BadFileError(f"{path}: line {number}: expected file, 2, and a label of 0 or 1; found {found}")
        yield row[0], int(row[2].strip())
