"""300 photographs with ImageNet labels: images/*.jpg and labels.csv (file, class_index, author, ...).

They are easier than ImageNet's validation set: accuracy on them is not ImageNet accuracy.
"""

from __future__ import annotations

from pathlib import Path

from eyespot.data.files import holder, open_files, read_labels, verify_files
from eyespot.data.split import Split
from eyespot.errors import MissingDataError
from eyespot.zoo.cards import Dataset

CALIBRATION = 100


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open a split: by file name the first 100 images are for calibration, the others the test."""
    if not (root / "labels.csv").is_file():
        raise MissingDataError(
            f"{root}: no labels.csv; bring a copy: eyespot fetch {card.name} --from FOLDER"
        )
    files = sorted(read_labels(root / "labels.csv", root / "images", len(card.classes)))
    chosen = files[:CALIBRATION] if split == "calibration" else files[CALIBRATION:]
    return open_files(card, split, root / "images", chosen)


def parts(source: Path) -> dict[str, Path]:
    """The images and their labels."""
    found = holder(source, "images", "labels.csv")
    return {"images": found / "images", "labels.csv": found / "labels.csv"}


def verify(card: Dataset, root: Path) -> str:
    """Compare all files with those that eyespot's figures were measured on."""
    names = ["labels.csv", *(f"images/{path.name}" for path in (root / "images").glob("*.jpg"))]
    return verify_files(root, names, card)
