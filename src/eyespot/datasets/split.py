"""A split of a data set that is at hand: labels in memory, images read one at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Split:
    """`labels` is (n,) int64; `read(i)` decodes image i into (height, width, channels) uint8."""

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
    shape = np.asarray(image.shape, "<i4").tobytes()
    return hashlib.sha256(shape + np.ascontiguousarray(image).tobytes()).digest()[:8]


def data_digest(labels: Iterable[int], digests: Iterable[bytes]) -> str:
    """Sha256 over (label, image digest) of every image in order: what an evaluation was made on."""
    whole = hashlib.sha256()
    for label, image in zip(labels, digests, strict=True):
        whole.update(int(label).to_bytes(4, "little") + image)
    return whole.hexdigest()
