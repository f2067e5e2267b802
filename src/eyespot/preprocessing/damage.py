"""Damage that a camera and its software can do to an image.

It is done to the image as the network sees it, (h, w, c) uint8 at the size of the input: a JPEG of 32 x 32
pixels loses far more than one of a photograph that is shrunk later.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.preprocessing.image import to_pillow
from eyespot.preprocessing.spec import Damage

Image = NDArray[np.uint8]

QUALITY = 75
RADIUS = 0.7  # of the Gaussian blur, in pixels
EXPOSURE = 0.2


def jpeg(image: Image, quality: int = QUALITY) -> Image:
    """Compress and decode, with colours at half the resolution, as cameras do."""
    from PIL import Image as Pillow

    file = io.BytesIO()
    to_pillow(image).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Pillow.open(file)).reshape(image.shape)


def bgr(image: Image) -> Image:
    """Swap red and blue, the mix-up that OpenCV users know."""
    return image[..., ::-1]


def rgb565(image: Image) -> Image:
    """Reduce to five bits of red, six of green and five of blue, then scale back to eight."""
    bits = np.array([5, 6, 5], np.uint8)
    kept: Image = image >> (8 - bits)
    return (kept << (8 - bits)) | (kept >> (2 * bits - 8))


def rgb565_swapped(image: Image) -> Image:
    """RGB565 whose two bytes are read in the wrong order, as from a wrong-endian frame buffer; of an RGB image."""
    red, green, blue = (image[..., i].astype(np.uint16) for i in range(3))
    words = ((red >> 3) << 11 | (green >> 2) << 5 | blue >> 3).byteswap()
    return from_rgb565(words)


def from_rgb565(words: NDArray[Any]) -> Image:
    """Pixels (..., 3) of 16-bit words with red in the high bits."""
    return rgb565(np.stack([words >> 8, words >> 3, words << 3], axis=-1).astype(np.uint8))


def blur(image: Image) -> Image:
    """Blur slightly, as a lens out of focus does."""
    from PIL import ImageFilter

    return np.asarray(to_pillow(image).filter(ImageFilter.GaussianBlur(RADIUS))).reshape(image.shape)


def exposed(image: Image, factor: float) -> Image:
    """Multiply by `factor`, clipped to white."""
    return (image * factor).round().clip(0, 255).astype(np.uint8)


DAMAGES: dict[Damage, Callable[[Image], Image]] = {
    "jpeg": jpeg,
    "bgr": bgr,
    "rgb565": rgb565,
    "rgb565-swapped": rgb565_swapped,
    "blur": blur,
    "darker": lambda image: exposed(image, 1 - EXPOSURE),
    "brighter": lambda image: exposed(image, 1 + EXPOSURE),
}

OF_COLOURS: frozenset[Damage] = frozenset({"bgr", "rgb565", "rgb565-swapped"})  # no effect on gray images
