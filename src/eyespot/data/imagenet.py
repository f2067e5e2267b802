"""ILSVRC-2012 as a user has it: folders of WordNet ids, in val and, for calibration, in train.

The 50,000 validation images are the test split: the labels of the challenge's own test images were
never published.
"""

from __future__ import annotations

from pathlib import Path

from eyespot.data.files import from_folders, holder, images_in
from eyespot.data.split import Split
from eyespot.errors import BadFileError
from eyespot.progress import track
from eyespot.zoo.cards import Dataset
from eyespot.zoo.datasets import IMAGENET_IDS

FOLDERS = {"train": "train", "test": "val"}
TEST_PER_CLASS = 50


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open a split; the test's images come in the order of their numbers."""
    return from_folders(card, split, [root / FOLDERS[split] / name for name in IMAGENET_IDS])


def parts(source: Path) -> dict[str, Path]:
    """The folders val and train, those that there are; a folder of WordNet ids by any other name is val."""
    found = holder(source, IMAGENET_IDS[0], IMAGENET_IDS[-1])
    beside = {name: found.with_name(name) for name in FOLDERS.values()}
    if found.name not in beside:
        return {"val": found}
    return {name: folder for name, folder in beside.items() if (folder / IMAGENET_IDS[0]).is_dir()}


def verify(root: Path) -> str:
    """Count the validation images of each class: the publisher gives no digests of files."""
    if not (root / "val").is_dir():
        return "nothing: any number of training images will do"
    for name in track(IMAGENET_IDS, len(IMAGENET_IDS), "count"):
        count = len(images_in(root / "val" / name, "imagenet"))
        if count != TEST_PER_CLASS:
            raise BadFileError(f"{root / 'val' / name}: {count} images, expected {TEST_PER_CLASS}")
    return f"{TEST_PER_CLASS} validation images in each of {len(IMAGENET_IDS):,} classes"
