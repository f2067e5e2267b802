"""A data set's images in memory, as the network takes them; what may not train is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eyespot.cards import Input
from eyespot.datasets.split import Split, data_digest, image_digest, is_blank, usable
from eyespot.errors import BadFileError
from eyespot.image import fit
from eyespot.progress import track

TOLD = 3  # broken files that are named


@dataclass(frozen=True, kw_only=True)
class Data:
    """Training and validation images, (n, h, w, c) uint8, with labels (n,) int64."""

    images: Tensor
    labels: Tensor
    validation_images: Tensor
    validation_labels: Tensor


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The data; digests of the training images one by one and of all; how many were dropped and why."""

    data: Data
    digests: tuple[bytes, ...]
    digest: str
    dropped: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """A split as it was read: images that fit the network, digests of the originals, what went wrong."""

    images: NDArray[np.uint8]
    digests: tuple[bytes, ...]
    blank: frozenset[int]
    broken: tuple[str, ...]


def load(splits: Sequence[Split], taken: Input) -> Loaded:
    """Read the training, validation and test split, of which the last is only compared with the first.

    BadFileError tells all broken files at once.
    """
    trains, validates, tests = (_read(split, taken) for split in splits)
    train, validation, _ = splits
    if broken := [*trains.broken, *validates.broken, *tests.broken]:
        rest = f"; and {len(broken) - TOLD} more" if len(broken) > TOLD else ""
        total = sum(map(len, splits))
        raise BadFileError(
            f"{len(broken)} of {total:,} images cannot be read: {'; '.join(broken[:TOLD])}{rest}; "
            "mend or remove them"
        )
    kept, dropped = usable(trains.digests, trains.blank, {*validates.digests, *tests.digests})
    digests = tuple(trains.digests[i] for i in kept)
    data = Data(
        images=torch.from_numpy(trains.images[kept]),
        labels=torch.from_numpy(train.labels[kept]),
        validation_images=torch.from_numpy(validates.images),
        validation_labels=torch.from_numpy(validation.labels),
    )
    return Loaded(
        data=data, digests=digests, digest=data_digest(train.labels[kept], digests), dropped=dropped
    )


def _read(split: Split, taken: Input) -> Pictures:
    images = np.zeros((len(split), taken.height, taken.width, taken.channels), np.uint8)
    digests, blank, broken = [], set(), []
    for i in track(range(len(split)), len(split), f"read {split.name}"):
        try:
            image = split.read(i)
        except BadFileError as error:
            broken.append(str(error))
            continue
        images[i] = fit(image, taken)
        digests.append(image_digest(image))
        if is_blank(image):
            blank.add(i)
    return Pictures(images=images, digests=tuple(digests), blank=frozenset(blank), broken=tuple(broken))
