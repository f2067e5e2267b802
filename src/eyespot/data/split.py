"""A split of a local data set: labels in memory, images read one at a time."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyespot.progress import track

Image = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Split:
    """`labels` is (n,) int64; `read(i)` decodes image i into (height, width, channels) uint8.

    `classes` is () if only the classes' numbers are known; `path(i)` is the file of image i, if it has one.
    """

    data: str
    name: str
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    read: Callable[[int], Image]
    path: Callable[[int], Path] | None = None

    def title(self, i: int) -> str:
        """What image i is called: its file's name with its folder's, or its number."""
        return "/".join(self.path(i).parts[-2:]) if self.path else str(i)

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Image]:
        return (self.read(i) for i in range(len(self)))


def image_digest(image: Image) -> bytes:
    """Eight bytes that identify a picture's pixels and shape within a data set."""
    whole = _begun(image.shape).copy()
    whole.update(np.ascontiguousarray(image).data)
    return whole.digest()[:8]


@lru_cache
def _begun(shape: tuple[int, ...]) -> hashlib._Hash:
    return hashlib.sha256(struct.pack("<3i", *shape))


def image_digests(split: Split, name: str) -> set[bytes]:
    """The digests of all images; a progress bar says that others are compared with `name`."""
    return {image_digest(image) for image in track(split, len(split), f"compare with {name}")}


def without(split: Split, excluded: Container[bytes]) -> Split:
    """A split without the images of these digests."""
    kept = [i for i, image in enumerate(split) if image_digest(image) not in excluded]
    path = split.path
    return replace(
        split, labels=split.labels[kept], read=lambda i: split.read(kept[i]), path=path and (lambda i: path(kept[i]))
    )


def image_list(labels: Iterable[int], digests: Iterable[bytes]) -> bytes:
    """Label (uint32, little-endian) and digest of every image in order, 12 bytes each."""
    return b"".join(int(label).to_bytes(4, "little") + d for label, d in zip(labels, digests, strict=True))


def data_digest(labels: Iterable[int], digests: Iterable[bytes]) -> str:
    """Sha256 of the list of images: the data that an evaluation used."""
    return hashlib.sha256(image_list(labels, digests)).hexdigest()


def is_blank(image: Image) -> bool:
    """Whether all pixels have one colour."""
    return bool((image == image[0, 0]).all())


def usable(
    digests: Iterable[bytes], blank: Collection[int], held_out: Container[bytes]
) -> tuple[list[int], dict[str, int]]:
    """Indices of the images that may train, and how many were dropped for each reason.

    Dropped are the `blank` ones (indices) and those whose pixels are also in the test or validation split
    (`held_out`, image digests).
    """
    digests = list(digests)
    kept = [i for i, digest in enumerate(digests) if i not in blank and digest not in held_out]
    dropped = {"blank": len(blank), "in validation or test": len(digests) - len(blank) - len(kept)}
    return kept, dropped
