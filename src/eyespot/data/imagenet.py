"""ILSVRC-2012 as a user has it: folders of WordNet ids, in val and, for calibration, in train.

The 50,000 validation images are the test split: the labels of the challenge's own test images were
never published.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from eyespot.data.files import holder, in_folders, open_files
from eyespot.data.split import Split
from eyespot.errors import BadFileError
from eyespot.zoo.cards import Dataset
from eyespot.zoo.datasets import IMAGENET_CLASSES, IMAGENET_IDS

FOLDERS = {"train": "train", "test": "val"}


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open a split; the test's images come in the order of their numbers."""
    folders = [f"{FOLDERS[split]}/{name}" for name in IMAGENET_IDS]
    return open_files(card, split, root, in_folders(root, folders, card.name))


def parts(source: Path) -> dict[str, Path]:
    """The folders val and train, if they exist; a folder of WordNet ids with any other name is val."""
    ids = holder(source, IMAGENET_IDS[0], IMAGENET_IDS[-1])
    beside = {name: ids.with_name(name) for name in FOLDERS.values()}
    if ids.name not in beside:
        return {"val": ids}
    return {name: folder for name, folder in beside.items() if (folder / IMAGENET_IDS[0]).is_dir()}


def verify(card: Dataset, root: Path) -> str:
    """Count the validation images of each class: the publisher gives no digests of files."""
    if not (root / "val").is_dir():
        return "nothing: the number of training images is not fixed"
    expected = card.splits["test"] // len(IMAGENET_IDS)
    counts = np.bincount(read(card, root, "test").labels)
    for name, count in zip(IMAGENET_IDS, counts, strict=True):
        if count != expected:
            raise BadFileError(f"{root / 'val' / name}: {count} images, expected {expected}")
    return f"{expected} validation images in each of {len(IMAGENET_IDS):,} classes"


def numbered(card: Dataset) -> Dataset:
    """A folder whose classes are WordNet ids, with ImageNet's class names and numbers; any other as it is.

    It keeps its own name: accuracy on it is not ImageNet accuracy.
    """
    if not card.classes or not set(card.classes) <= set(IMAGENET_IDS):
        return card
    labels = [IMAGENET_IDS.index(name) for name in card.classes]
    files = tuple(each._replace(label=labels[each.label]) for each in card.files)
    return replace(card, classes=IMAGENET_CLASSES, files=files)
