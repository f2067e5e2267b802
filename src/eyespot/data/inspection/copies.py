"""Pictures that are in a data set more than once.

Exact copies have the same pixels. Near copies have thumbnails of 16 x 16 pixels that correlate by more than 0.96,
whatever their brightness and contrast. Of small pictures (CIFAR-10), JPEG copies of quality 75 and copies resized
by 5 % correlate by at least 0.97, both changes together by 0.957; of two million pairs of other pictures one
does. `near.hashes` are for lists without pictures: at this size they find two thirds of the JPEG copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Thumbnails = NDArray[np.uint8]

ALIKE = 0.96  # correlation of near copies
LIKELY = 0.95  # of their thumbnails of 8 x 8 pixels, which are compared first
CLOSEST = 8  # pictures that each is compared with, which bounds the work where all look alike
FLAT = 2  # levels of standard deviation below which a picture is almost blank
CHUNK = 256  # pictures at once, which bounds the memory


def exact(digests: Sequence[bytes]) -> list[list[int]]:
    """The groups of pictures with the same digest; "" is no digest."""
    groups: dict[bytes, list[int]] = {}
    for i, digest in enumerate(digests):
        if digest:
            groups.setdefault(digest, []).append(i)
    return [group for group in groups.values() if len(group) > 1]


def near(thumbnails: Thumbnails) -> list[list[int]]:
    """The groups of near copies among thumbnails (n, 16, 16, 3); almost blank pictures are no copies."""
    return _joined(len(thumbnails), _pairs(thumbnails))


def _pairs(thumbnails: Thumbnails) -> Iterator[tuple[int, int]]:
    n = len(thumbnails)
    coarse = _standard(thumbnails.reshape(n, 8, 2, 8, 2, 3).mean((2, 4), np.float32)) if n else np.empty((0, 1))
    for start in range(0, n, CHUNK):
        likely = coarse[start : start + CHUNK] @ coarse.T
        likely[np.arange(len(likely)), np.arange(start, start + len(likely))] = -1
        [rows] = (likely.max(1) >= LIKELY).nonzero()
        if not len(rows):
            continue
        closest = np.argpartition(-likely[rows], min(CLOSEST, n) - 1, axis=1)[:, :CLOSEST]
        mine, theirs = (_standard(thumbnails[places]) for places in (rows + start, closest.ravel()))
        alike = (mine[:, None] * theirs.reshape(len(rows), -1, mine.shape[1])).sum(2) >= ALIKE
        for row, column in zip(*alike.nonzero(), strict=True):
            yield int(rows[row]) + start, int(closest[row, column])


def _standard(thumbnails: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
    """As vectors (n, values) of mean 0 and length 1, so that products are correlations; shorter if almost blank."""
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    flat -= flat.mean(1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), FLAT * flat.shape[1] ** 0.5)


def _joined(n: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The groups that pairs connect."""
    parent = list(range(n))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    for a, b in pairs:
        first, second = sorted((root(a), root(b)))
        parent[second] = first
    groups: dict[int, list[int]] = {}
    for i in range(n):
        groups.setdefault(root(i), []).append(i)
    return [group for group in groups.values() if len(group) > 1]
