"""FER2013 as Kaggle's msambare/fer2013 lays it out: {train,test}/CLASS/*.jpg, 48 x 48, gray.

Its test folder mixes the two test sets of the original challenge (Goodfellow et al., 2013); the file
names tell them apart: PublicTest, ours for validation, and PrivateTest, ours for the test.
"""

from __future__ import annotations

from pathlib import Path

from eyespot.data.files import from_folders, holder, verify_files
from eyespot.data.split import Split
from eyespot.zoo.cards import Dataset

SPLITS = {
    "train": ("train", "Training_"),
    "validation": ("test", "PublicTest_"),
    "test": ("test", "PrivateTest_"),
}

# of all 35,887 files: find test train -name '*.jpg' | LC_ALL=C sort | xargs sha256sum | sha256sum
DIGEST = "ba23a043626a58bb104f5bf743f2127d5207f5adb6ab67f91f0f995381fa8f1e"


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open a split, images (48, 48, 1). Class folders are spec in the card's order, not sorted."""
    folder, prefix = SPLITS[split]
    folders = [root / folder / name for name in card.classes]
    return from_folders(card, split, folders, channels=1, keep=lambda path: path.name.startswith(prefix))


def parts(source: Path) -> dict[str, Path]:
    """The folders train and test."""
    found = holder(source, "train/angry", "test/angry")
    return {"train": found / "train", "test": found / "test"}


def verify(root: Path) -> str:
    """Compare all files with those that eyespot's figures were measured on."""
    names = sorted(path.relative_to(root).as_posix() for path in root.glob("*/*/*.jpg"))
    return verify_files(root, names, DIGEST)
