"""Imagenette2 of fast.ai: ten of ImageNet's classes, of which the 500 images of its validation set are the test.

Imagenette2 mixes the images of ImageNet's training and validation sets in its own folders train and val; the
file name says which is which. Labels are ImageNet's 1,000 classes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eyespot.data.files import holder, in_folders, open_files
from eyespot.data.split import Split
from eyespot.errors import BadFileError, MissingDataError
from eyespot.zoo.cards import Dataset
from eyespot.zoo.datasets import IMAGENET_IDS

CLASSES = (0, 217, 482, 491, 497, 566, 569, 571, 574, 701)  # of ImageNet's 1,000
IDS = [IMAGENET_IDS[i] for i in CLASSES]


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open the images of ImageNet's validation set, "test", or of its training set, in the order of their names."""
    parts = [path for path in sorted(root.glob("imagenette2*/*")) if (path / IDS[0]).is_dir()]
    if not parts:
        raise MissingDataError(f"{root}: no folder imagenette2*; get it with: eyespot fetch {card.name}")
    folders = [path.relative_to(root) / name for path in parts for name in IDS]
    files = in_folders(root, [folder.as_posix() for folder in folders], card.name)
    labels = [IMAGENET_IDS.index(folder.name) for folder in folders]
    tests = split == card.test
    found = [each for each in files if ("/ILSVRC2012_val_" in each.file) == tests]
    if not found:
        raise MissingDataError(f"{root}: no image of ImageNet's {split} set; get all with: eyespot fetch {card.name}")
    return open_files(card, split, root, [each._replace(label=labels[each.label]) for each in found])


def parts(source: Path) -> dict[str, Path]:
    """The folder that holds train and val."""
    folder = holder(source, f"train/{IDS[0]}", f"val/{IDS[0]}")
    return {folder.name if folder.name.startswith("imagenette2") else "imagenette2": folder}


def verify(card: Dataset, root: Path) -> str:
    """Count the images of each class."""
    counts = np.bincount(read(card, root, "test").labels)
    expected = card.splits["test"] // len(IDS)
    if (wrong := counts[counts > 0]).size != len(IDS) or (wrong != expected).any():
        raise BadFileError(f"{root}: expected {expected} validation images in each of {len(IDS)} classes")
    return f"{expected} validation images in each of {len(IDS)} classes"
