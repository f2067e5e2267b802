"""Generated pictures for tests and golden tensors. Integer arithmetic makes them equal on every machine.

A picture shows one of four shapes, its class, with random colour, size and position on a random background.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from eyespot.preprocessing.damage import Image

GOLDEN = 4  # pictures of which `make` writes golden tensors
CLASSES = ("disc", "square", "triangle", "cross")


def picture(index: int, height: int, width: int, channels: int, seed: int = 0) -> Image:
    """Picture `index` of a seed, (height, width, channels) uint8, 8 x 8 or more. Its class is index % 4."""
    numbers = np.frombuffer(hashlib.sha256(f"{seed} {index}".encode()).digest(), np.uint8).astype(np.int64)
    background, colour = numbers[:3] // 2, 128 + numbers[3:6] // 2  # dark, bright
    half = min(height, width) * (64 + numbers[6] // 4) // 320  # a fifth to two fifths of the side
    top = half + (height - 2 * half) * numbers[7] // 256
    left = half + (width - 2 * half) * numbers[8] // 256
    rows, columns = np.arange(height)[:, None] - top, np.arange(width)[None, :] - left
    shape = _shape(CLASSES[index % len(CLASSES)], rows, columns, half)
    painted = np.where(shape[..., None], colour[:channels], background[:channels])
    place = np.arange(height * width * channels, dtype=np.uint32) + np.uint32(int(numbers[9]) << 20)
    mixed = (place ^ (place >> 15)) * np.uint32(0x2C1B3C6D)  # a multiplicative hash
    noise = ((mixed ^ (mixed >> 12)) % 32).astype(np.int64).reshape(painted.shape) - 16
    return (painted + noise).clip(0, 255).astype(np.uint8)


def _shape(name: str, rows: NDArray[np.int64], columns: NDArray[np.int64], half: int) -> NDArray[np.bool_]:
    """A mask of the shape, from each pixel's distance to its centre."""
    if name == "disc":
        return rows**2 + columns**2 <= half**2
    square = (abs(rows) <= half) & (abs(columns) <= half)
    if name == "triangle":
        return square & (2 * abs(columns) <= rows + half)
    if name == "cross":
        return square & ((3 * abs(rows) <= half) | (3 * abs(columns) <= half))
    return square
