"""A data set's images in the network's format, without those that may not train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from eyespot.artifacts.atomic import digest
from eyespot.data import catalogue, manifest
from eyespot.data.split import Split, image_list, usable
from eyespot.preprocessing.spec import Preprocessing
from eyespot.training.pictures import Pictures, decoded
from eyespot.zoo.cards import Dataset

Images: TypeAlias = Tensor | Pictures


@dataclass(frozen=True, kw_only=True)
class Data:
    """Training and validation images, (n, h, w, c) uint8, with labels (n,) int64.

    `used` is the `image_list` of the original training images, `hashes` their `near.hashes`, and `validated`
    the `image_list` of the validation images, whose files are `validation_files`. `dropped` counts the images
    left out, by reason.
    """

    images: Images
    labels: Tensor
    validation_images: Images
    validation_labels: Tensor
    validation_files: Sequence[str] = ()
    used: bytes = b""
    hashes: bytes = b""
    validated: bytes = b""
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The digest of the training images and their labels."""
        return digest(self.used)


def load(owner: Dataset, spec: Preprocessing, content: str) -> Data:
    """Read the training, validation and test split of a data set, each image once.

    `content` is a digest that changes with the images, or "". Test images neither train nor validate, even if
    another split has them too. BadFileError names broken files of all splits at once.
    """
    splits = [catalogue.open_split(owner, name) for name in ("train", "validation", owner.test)]
    file, records = decoded(manifest.named(owner), content, splits, spec)
    ends = np.cumsum([len(split) for split in splits])
    digests = [each.ljust(8, b"\0") for each in records["digest"].tolist()]  # numpy strips zeros
    train, validation, test = (digests[end - len(split) : end] for end, split in zip(ends, splits, strict=True))
    blank = set(np.flatnonzero(records["blank"][: ends[0]]).tolist())
    kept, dropped = usable(train, blank, {*validation, *test})
    valid, also = usable(validation, (), set(test))
    labels, valid_labels = splits[0].labels[kept], splits[1].labels[valid]
    rows, valid_rows = np.array(kept, np.int64), np.array(valid, np.int64) + ends[0]
    return Data(
        images=Pictures(file=file, shape=spec.shape, rows=rows), labels=torch.from_numpy(labels),
        validation_images=Pictures(file=file, shape=spec.shape, rows=valid_rows),
        validation_labels=torch.from_numpy(valid_labels),
        validation_files=[_name(owner, splits[1], i) for i in valid],
        used=image_list(labels, (train[i] for i in kept)), hashes=records["hash"][rows].tobytes(),
        validated=image_list(valid_labels, (validation[i] for i in valid)),
        dropped=dropped | {"validation images in test": also["in validation or test"]},
    )  # fmt: skip


def _name(owner: Dataset, split: Split, i: int) -> str:
    """The file of an image, within a folder of the user's; for others its title."""
    return split.path(i).relative_to(owner.root).as_posix() if owner.root and split.path else split.title(i)
