"""What a camera and its software do to a picture on the way to the network.

Applied to the image as the network sees it, (h, w, c) uint8 at the input's own size, so that models are
compared alike: a JPEG of 32 x 32 pixels loses far more than one of a photograph that is shrunk later.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from eyespot.preprocessing.spec import Damage

Image = NDArray[np.uint8]

QUALITY = 75
RADIUS = 0.7  # of the blur's Gaussian, pixels
EXPOSURE = 0.2


def jpeg(image: Image, quality: int = QUALITY) -> Image:
    """Compressed and read again, colours at half the resolution, as cameras save them."""
    from PIL import Image as Pillow

    held = io.BytesIO()
    picture = Pillow.fromarray(image.squeeze(2) if image.shape[2] == 1 else image)
    picture.save(held, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Pillow.open(held)).reshape(image.shape)


def bgr(image: Image) -> Image:
    """Red and blue exchanged, the mix-up that OpenCV users know."""
    return image[..., ::-1]


def rgb565(image: Image) -> Image:
    """Five bits of red, six of green, five of blue, spread to eight again."""
    bits = np.array([5, 6, 5], np.uint8)
    kept = image >> (8 - bits)
    spread: Image = (kept << (8 - bits)) | (kept >> (2 * bits - 8))
    return spread


def blur(image: Image) -> Image:
    """Slightly out of focus."""
    from PIL import Image as Pillow
    from PIL import ImageFilter

    picture = Pillow.fromarray(image.squeeze(2) if image.shape[2] == 1 else image)
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(RADIUS))).reshape(image.shape)


def exposed(image: Image, factor: float) -> Image:
    """Brighter or darker, clipped to white."""
    return (image * factor).round().clip(0, 255).astype(np.uint8)


DAMAGES: dict[Damage, Callable[[Image], Image]] = {
    "jpeg": jpeg,
    "bgr": bgr,
    "rgb565": rgb565,
    "blur": blur,
    "darker": lambda image: exposed(image, 1 - EXPOSURE),
    "brighter": lambda image: exposed(image, 1 + EXPOSURE),
}

OF_COLOURS: frozenset[Damage] = frozenset({"bgr", "rgb565"})  # there is nothing to them in gray
