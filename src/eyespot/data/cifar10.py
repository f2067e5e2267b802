"""CIFAR-10's binary version: records of one label byte and 3 x 1024 bytes (red, green, blue planes).

Format: https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts.atomic import digest_file
from eyespot.data.files import holder
from eyespot.data.split import Image, Split
from eyespot.errors import BadFileError, MissingDataError
from eyespot.zoo.cards import Dataset

FOLDER = "cifar-10-batches-bin"
RECORDS = 10_000
RECORD = 1 + 3 * 32 * 32
PIXELS = 1 + np.moveaxis(np.arange(3 * 32 * 32).reshape(3, 32, 32), 0, 2).copy()  # their places in a record
VALIDATION_PER_CLASS = 500

# sha256 of the publisher's six files
DIGESTS = {
    "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
}


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open a split. `validation` is the last 500 training images of each class, in canonical order.

    MissingDataError where a file is not there, BadFileError where one is truncated or not CIFAR-10.
    """
    names = ["test_batch"] if split == "test" else [f"data_batch_{i}" for i in range(1, 6)]
    batches = [_records(root / FOLDER / f"{name}.bin") for name in names]
    labels = np.concatenate([batch[:, 0] for batch in batches]).astype(np.int64)
    if labels.max() >= len(card.classes):
        raise BadFileError(
            f"{root / FOLDER}: label {labels.max()} is out of range 0..{len(card.classes) - 1}"
        )
    chosen = _members(labels, split)

    def image(i: int) -> Image:
        batch, row = divmod(int(chosen[i]), RECORDS)
        return batches[batch][row].take(PIXELS)

    return Split(data=card.name, name=split, classes=card.classes, labels=labels[chosen], read=image)


def parts(source: Path) -> dict[str, Path]:
    """The folder of the six files, wherever it is in `source` and whatever it is called."""
    return {FOLDER: holder(source, *DIGESTS)}


def verify(root: Path) -> str:
    """Compare the six files with the publisher's, byte for byte."""
    for name, expected in DIGESTS.items():
        _records(root / FOLDER / name)
        if (found := digest_file(root / FOLDER / name)) != expected:
            raise BadFileError(
                f"{root / FOLDER / name}: is not CIFAR-10's (sha256 {found[:12]}..., expected "
                f"{expected[:12]}...); delete the folder and repeat: eyespot fetch cifar-10"
            )
    return f"sha256 of {len(DIGESTS)} files"


def _records(path: Path) -> NDArray[np.uint8]:
    """A file's records as a (10000, 3073) memory map."""
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; get it with: eyespot fetch cifar-10")
    if path.stat().st_size != RECORDS * RECORD:
        raise BadFileError(
            f"{path}: {path.stat().st_size:,} bytes, expected {RECORDS * RECORD:,}; "
            "delete its folder and repeat: eyespot fetch cifar-10"
        )
    return np.asarray(np.memmap(path, np.uint8, "r", shape=(RECORDS, RECORD)))


def _members(labels: NDArray[np.int64], split: str) -> NDArray[np.int64]:
    """Indices of a split's images among all that its files hold, ascending."""
    if split == "test":
        return np.arange(len(labels))
    held_out = np.zeros(len(labels), bool)
    for label in range(10):
        held_out[np.flatnonzero(labels == label)[-VALIDATION_PER_CLASS:]] = True
    return np.flatnonzero(held_out if split == "validation" else ~held_out)
