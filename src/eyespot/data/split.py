"""A split of a data set that is at hand: labels in memory, images read one at a time."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Split:
    """`labels` is (n,) int64; `read(i)` decodes image i into (height, width, channels) uint8.

    `classes` is () where only the classes' numbers are known.
    """

    data: str
    name: str
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    read: Callable[[int], Image]

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Image]:
        return (self.read(i) for i in range(len(self)))


def image_digest(image: Image) -> bytes:
    """Eight bytes that tell one picture's pixels (and shape) from all others in a data set."""
    whole = _begun(image.shape).copy()
    whole.update(np.ascontiguousarray(image).data)
    return whole.digest()[:8]


@lru_cache
def _begun(shape: tuple[int, ...]) -> hashlib._Hash:
    return hashlib.sha256(struct.pack("<3i", *shape))


def image_list(labels: Iterable[int], digests: Iterable[bytes]) -> bytes:
    """Label (uint32, little-endian) and digest of every image in order, 12 bytes each."""
    return b"".join(int(label).to_bytes(4, "little") + d for label, d in zip(labels, digests, strict=True))


def data_digest(labels: Iterable[int], digests: Iterable[bytes]) -> str:
    """Sha256 of the list of images: what an evaluation was made on."""
    return hashlib.sha256(image_list(labels, digests)).hexdigest()


def is_blank(image: Image) -> bool:
    """Whether all pixels have one colour."""
    return bool((image == image[0, 0]).all())


def usable(
    digests: Iterable[bytes], blank: Container[int], held_out: Container[bytes]
) -> tuple[list[int], dict[str, int]]:
    """Indices of what may train, and how many images were dropped for each reason.

    Dropped are the `blank` ones (indices) and those that also stand, pixel for pixel, in what is
    `held_out` (image digests of the test and validation splits).
    """
    kept, dropped = [], {"blank": 0, "in validation or test": 0}
    for i, digest in enumerate(digests):
        if i in blank:
            dropped["blank"] += 1
        elif digest in held_out:
            dropped["in validation or test"] += 1
        else:
            kept.append(i)
    return kept, dropped
