"""300 photographs with ImageNet labels: images/*.jpg and labels.csv (file, class_index, author, ...).

They are easier than ImageNet's validation set: accuracy on them is not ImageNet accuracy.
"""

from __future__ import annotations

from pathlib import Path

from eyespot.data.files import holder, open_files, verify_files
from eyespot.data.layouts import lists
from eyespot.data.layouts.classes import number
from eyespot.data.split import Split
from eyespot.errors import MissingDataError
from eyespot.zoo.cards import Dataset


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open a split: the first 100 images by file name are for calibration, the others are the test."""
    if not (root / "labels.csv").is_file():
        raise MissingDataError(f"{root}: no labels.csv; bring it: eyespot fetch {card.name} --from FOLDER")
    rows = lists.read(root / "labels.csv", root / "images")
    files = sorted(number(root, rows, card.classes)[1])
    end = card.splits["calibration"]
    return open_files(card, split, root / "images", files[:end] if split == "calibration" else files[end:])


def parts(source: Path) -> dict[str, Path]:
    """The images and their labels."""
    folder = holder(source, "images", "labels.csv")
    return {name: folder / name for name in ("images", "labels.csv")}


def verify(card: Dataset, root: Path) -> str:
    """Compare all files with those that eyespot's figures were measured on."""
    return verify_files(root, card, "labels.csv", "images/*.jpg")
