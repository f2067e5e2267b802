"""A data set's images in memory, as the network takes them; what may not train is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eyespot.data.split import Split, data_digest, image_digest, is_blank, usable
from eyespot.errors import BadFileError
from eyespot.preprocessing.image import fit
from eyespot.preprocessing.spec import Preprocessing
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
    """The data; digests of the training images, one by one and of all, and of the validation images.

    `dropped` counts the images that were left out, by reason.
    """

    data: Data
    digests: tuple[bytes, ...]
    digest: str
    validation_digest: str
    dropped: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """A split as it was read: images that fit the network, digests of the originals, what went wrong."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    digests: list[bytes]
    blank: set[int]
    broken: list[str]

    def only(self, kept: list[int]) -> Pictures:
        """These of the images; the same object where that is all of them."""
        if len(kept) == len(self.digests):
            return self
        return replace(
            self,
            images=self.images[kept],
            labels=self.labels[kept],
            digests=[self.digests[i] for i in kept],
        )


def load(splits: Sequence[Split], spec: Preprocessing) -> Loaded:
    """Read the training, validation and test split.

    The test images are only compared: neither do they train nor validate, whatever split has them too.
    BadFileError tells all broken files at once.
    """
    training, validation = (_read(split, spec, keep=True) for split in splits[:2])
    test = _read(splits[2], spec, keep=False)
    if broken := [*training.broken, *validation.broken, *test.broken]:
        rest = f"; and {len(broken) - TOLD} more" if len(broken) > TOLD else ""
        raise BadFileError(
            f"{len(broken)} of {sum(map(len, splits)):,} images cannot be read: {'; '.join(broken[:TOLD])}"
            f"{rest}; mend or remove them"
        )
    kept, dropped = usable(training.digests, training.blank, {*validation.digests, *test.digests})
    checked, also = usable(validation.digests, set(), set(test.digests))
    training, validation = training.only(kept), validation.only(checked)
    return Loaded(
        data=Data(
            images=torch.from_numpy(training.images),
            labels=torch.from_numpy(training.labels),
            validation_images=torch.from_numpy(validation.images),
            validation_labels=torch.from_numpy(validation.labels),
        ),
        digests=tuple(training.digests),
        digest=data_digest(training.labels, training.digests),
        validation_digest=data_digest(validation.labels, validation.digests),
        dropped=dropped | {"validation images in test": also["in validation or test"]},
    )


def _read(split: Split, spec: Preprocessing, *, keep: bool) -> Pictures:
    """Read a split; without `keep` its images are gone afterwards, their digests are not."""
    images = np.zeros((len(split) if keep else 0, spec.height, spec.width, spec.channels), np.uint8)
    found = Pictures(images=images, labels=split.labels, digests=[], blank=set(), broken=[])
    for i in track(range(len(split)), len(split), f"read {split.name}"):
        try:
            image = split.read(i)
        except BadFileError as error:
            found.broken.append(str(error))
            continue
        found.digests.append(image_digest(image))
        if is_blank(image):
            found.blank.add(i)
        if keep:
            images[i] = fit(image, spec)
    return found
