"""Near duplicates: pictures that look alike to a network, such as copies with other compression or brightness.

A picture's hash has 64 bits: whether each of 8 x 9 blocks is darker than its right neighbour (dHash; Krawetz,
hackerfactor.com, Kind of Like That, 2013), in the middle channel, as the network sees it. Scaling the values
and swapping red and blue do not change it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

NEAR = 3  # of 64 bits that may differ
ROWS, COLUMNS, BANDS = 8, 9, 4
CHUNK = 128  # images or hashes at once, which bounds the memory


def hashes(images: NDArray[Any]) -> Hashes:
    """The hashes (n,) of images or input tensors (n, h, w, c), all of a network's size."""
    n, height, width, channels = images.shape
    down, across = _blocks(height, ROWS).T, _blocks(width, COLUMNS)
    found = np.empty((n, 8), np.uint8)
    for start in range(0, n, CHUNK):
        sums = down @ images[start : start + CHUNK, ..., channels // 2].astype(np.float32) @ across
        found[start : start + CHUNK] = np.packbits((sums[..., :-1] < sums[..., 1:]).reshape(-1, 64), axis=1)
    return found.view(np.uint64)[:, 0]


def _blocks(size: int, parts: int) -> NDArray[np.float32]:
    """(size, parts): pixels times this are the blocks' sums; blocks of a few pixels more overlap at the edges."""
    length, place = max(1, -(-size // parts)), np.arange(size)
    starts = np.linspace(0, size - length, parts).round()
    return ((place[:, None] >= starts) & (place[:, None] < starts + length)).astype(np.float32)


def near(some: Hashes, others: Hashes) -> tuple[int, ...]:
    """The numbers of those that differ from one of the others in at most `NEAR` bits.

    These agree in at least one of four bands of 16 bits, so only such pairs are compared.
    """
    found = np.zeros(len(some), bool)
    for band in range(BANDS):
        mine, theirs = (_band(each, band) for each in (some, others))
        ordered, sizes = others[np.argsort(theirs, kind="stable")], np.bincount(theirs, minlength=1 << 16)
        first, equal = (sizes.cumsum() - sizes)[mine], sizes[mine]
        for start in range(0, len(some), CHUNK):
            rows = np.arange(start, min(start + CHUNK, len(some)))
            counts = equal[rows]
            places = np.arange(counts.sum()) + np.repeat(first[rows] + counts - counts.cumsum(), counts)
            pairs = np.repeat(rows, counts)
            found[pairs[np.bitwise_count(some[pairs] ^ ordered[places]) <= NEAR]] = True
    return tuple(np.flatnonzero(found).tolist())


def _band(some: Hashes, band: int) -> NDArray[np.uint16]:
    """16 bits of each hash: two rows of blocks half a picture apart, as neighbours are often equal."""
    rows = some.view(np.uint8).reshape(-1, ROWS)
    return rows[:, band] * np.uint16(256) + rows[:, band + BANDS]
