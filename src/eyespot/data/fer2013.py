"""FER2013 as Kaggle's msambare/fer2013 lays it out: {train,test}/CLASS/*.jpg, 48 x 48, gray.

Its test folder mixes the two test sets of the original challenge (Goodfellow et al., 2013). The file
names tell them apart: PublicTest, ours for validation, and PrivateTest, ours for the test.
"""

from __future__ import annotations

from pathlib import Path

from eyespot.data.files import holder, in_folders, open_files, verify_files
from eyespot.data.split import Split
from eyespot.zoo.cards import Dataset

PREFIXES = {"train": "Training_", "validation": "PublicTest_", "test": "PrivateTest_"}  # of file names


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open a split, images (48, 48, 1). Labels follow the card's order of classes, which is not sorted."""
    folder = "train" if split == "train" else "test"
    files = in_folders(root, [f"{folder}/{name}" for name in card.classes], card.name)
    own = [each for each in files if Path(each.file).name.startswith(PREFIXES[split])]
    return open_files(card, split, root, own, channels=1)


def parts(source: Path) -> dict[str, Path]:
    """The folders train and test."""
    folder = holder(source, "train/angry", "test/angry")
    return {name: folder / name for name in ("train", "test")}


def verify(card: Dataset, root: Path) -> str:
    """Compare all files with those that eyespot's figures were measured on."""
    return verify_files(root, card, "*/*/*.jpg")
