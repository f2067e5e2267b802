"""CIFAR-10's binary version: records of one label byte and 3 x 1024 bytes (red, green, blue planes).

Format: https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyespot.data.files import holder, verify_files
from eyespot.data.split import Split
from eyespot.errors import BadFileError, MissingDataError
from eyespot.zoo.cards import Dataset

FOLDER = "cifar-10-batches-bin"
TRAIN, TEST = tuple(f"data_batch_{i}.bin" for i in range(1, 6)), ("test_batch.bin",)
RECORD = 1 + 3 * 32 * 32
PIXELS = 1 + np.moveaxis(np.arange(3 * 32 * 32).reshape(3, 32, 32), 0, 2).copy()  # their places in a record


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open a split. `validation` is the last 500 training images of each class, in canonical order.

    MissingDataError if a file is missing, BadFileError if one is truncated or not CIFAR-10.
    """
    batches = [_records(card, root / FOLDER / name) for name in (TEST if split == "test" else TRAIN)]
    labels = np.concatenate([batch[:, 0] for batch in batches]).astype(np.int64)
    if labels.max() >= len(card.classes):
        raise BadFileError(f"{root / FOLDER}: label {labels.max()}, expected 0..{len(card.classes) - 1}")
    indices = np.arange(len(labels))
    if split != "test":
        held_out, each = np.zeros(len(labels), bool), card.splits["validation"] // len(card.classes)
        for label in range(len(card.classes)):
            held_out[np.flatnonzero(labels == label)[-each:]] = True
        indices = np.flatnonzero(held_out == (split == "validation"))
    places = [divmod(index, len(batches[0])) for index in indices.tolist()]  # (batch, row)
    return Split(
        data=card.name, name=split, classes=card.classes, labels=labels[indices],
        read=lambda i: batches[places[i][0]][places[i][1]].take(PIXELS),
    )  # fmt: skip


def parts(source: Path) -> dict[str, Path]:
    """The folder of the six files, at any place in `source` and with any name."""
    return {FOLDER: holder(source, *TRAIN, *TEST)}


def verify(card: Dataset, root: Path) -> str:
    """Compare the six files with the publisher's, byte for byte."""
    for name in (*TRAIN, *TEST):
        _records(card, root / FOLDER / name)
    return verify_files(root / FOLDER, card, *TRAIN, *TEST)


def _records(card: Dataset, path: Path) -> NDArray[np.uint8]:
    """The records of a file, (n, 3073), as a memory map; n is the same for all six files."""
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; get it with: eyespot fetch cifar-10")
    shape = card.splits["test"], RECORD
    if path.stat().st_size != shape[0] * RECORD:
        raise BadFileError(
            f"{path}: {path.stat().st_size:,} bytes, expected {shape[0] * RECORD:,}; "
            "delete its folder and repeat: eyespot fetch cifar-10"
        )
    return np.asarray(np.memmap(path, np.uint8, "r", shape=shape))
