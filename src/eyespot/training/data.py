"""A data set's images in memory, in the network's format, without those that may not train."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eyespot.artifacts.atomic import digest
from eyespot.data import catalogue
from eyespot.data.near import hashes
from eyespot.data.split import Split, image_digest, image_list, is_blank, usable
from eyespot.errors import BadFileError
from eyespot.preprocessing.image import fit
from eyespot.preprocessing.spec import Preprocessing
from eyespot.progress import track
from eyespot.zoo.cards import Dataset


@dataclass(frozen=True, kw_only=True)
class Data:
    """Training and validation images, (n, h, w, c) uint8, with labels (n,) int64.

    `used` is the `image_list` of the original training images, `hashes` their `near.hashes`. `dropped` counts
    the images left out, by reason.
    """

    images: Tensor
    labels: Tensor
    validation_images: Tensor
    validation_labels: Tensor
    used: bytes = b""
    hashes: bytes = b""
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The digest of the training images and their labels."""
        return digest(self.used)


def load(owner: Dataset, spec: Preprocessing) -> Data:
    """Read the training, validation and test split of a data set, each image once.

    Test images neither train nor validate, even if another split has them too. BadFileError names broken
    files of all splits at once.
    """
    splits = [catalogue.open_split(owner, name) for name in ("train", "validation", owner.test)]
    broken: list[str] = []
    read = [_read(split, spec, broken) for split in splits]
    if broken:
        named = [*broken[:3], *([f"and {len(broken) - 3} more"] if len(broken) > 3 else [])]
        raise BadFileError(
            f"{len(broken)} of {sum(map(len, splits)):,} images cannot be read: {'; '.join(named)}; mend or remove them"
        )
    (images, digests, blank), (validation, checked, _), (_, test, _) = read
    kept, dropped = usable(digests, blank, {*checked, *test})
    valid, also = usable(checked, (), set(test))
    fitted, labels = images[kept], splits[0].labels[kept]
    return Data(
        images=torch.from_numpy(fitted), labels=torch.from_numpy(labels),
        validation_images=torch.from_numpy(validation[valid]),
        validation_labels=torch.from_numpy(splits[1].labels[valid]),
        used=image_list(labels, (digests[i] for i in kept)), hashes=hashes(fitted).tobytes(),
        dropped=dropped | {"validation images in test": also["in validation or test"]},
    )  # fmt: skip


def _read(split: Split, spec: Preprocessing, broken: list[str]) -> tuple[NDArray[np.uint8], list[bytes], set[int]]:
    """A split's images, fitted to the network, their digests, and which are blank; errors go to `broken`."""
    images = np.zeros((len(split), *spec.shape), np.uint8)
    digests: list[bytes] = []
    blank: set[int] = set()
    for i in track(range(len(split)), len(split), f"read {split.name}"):
        try:
            image = split.read(i)
        except BadFileError as error:
            broken.append(str(error))
            continue
        digests.append(image_digest(image))
        if is_blank(image):
            blank.add(i)
        images[i] = fit(image, spec)
    return images, digests, blank
