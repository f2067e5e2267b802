"""Photographs of hands that show a digit, split by person.

Each person shows the digits 0 to 9 in photographs with neighbouring numbers, so the numbers tell persons
apart. Source: https://github.com/ardamavi/Sign-Language-Digits-Dataset (Turkey Ankara Ayrancı Anadolu High
School, 2017).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from eyespot.data.files import holder, in_folders, open_files, verify_files
from eyespot.data.split import Split
from eyespot.errors import BadFileError
from eyespot.zoo.cards import Dataset, LabelledFile

FOLDER = "Dataset"
SHARES = {"train": (0.0, 0.7), "validation": (0.7, 0.8), "test": (0.8, 1.0)}  # of the photographs, in order
NEXT = 5  # the digit falls by this much from one person to the next; a person may swap neighbours


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open a split, images (100, 100, 3) in the order of their numbers. BadFileError for a file without one."""
    found = in_folders(root, [f"{FOLDER}/{name}" for name in card.classes], card.name)
    files = sorted(found, key=lambda each: _number(root, each))
    start, end = (_boundary(files, share) for share in SHARES[split])
    return open_files(card, split, root, files[start:end])


def parts(source: Path) -> dict[str, Path]:
    """The folder of the class folders."""
    return {FOLDER: holder(source, f"{FOLDER}/0", f"{FOLDER}/9") / FOLDER}


def verify(card: Dataset, root: Path) -> str:
    """Compare all files with those that eyespot's figures were measured on."""
    return verify_files(root, card, f"{FOLDER}/*/*.JPG")


def _number(root: Path, file: LabelledFile) -> int:
    numbered = re.fullmatch(r"IMG_(\d{1,9})\.JPG", Path(file.file).name)
    if not numbered:
        raise BadFileError(f"{root / file.file}: expected the publisher's name IMG_NUMBER.JPG; move it elsewhere")
    return int(numbered[1])


def _boundary(files: Sequence[LabelledFile], share: float) -> int:
    """Where a person begins, at `share` of the photographs or before."""
    at = int(share * len(files))
    while 0 < at < len(files) and files[at - 1].label - files[at].label < NEXT:
        at -= 1
    return at
