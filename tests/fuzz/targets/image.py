"""An image of any format."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from eyespot.preprocessing.image import FORMATS, decode
from fuzzing import file, refusals


def seeds() -> Iterator[bytes]:
    pixels = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    for kind in FORMATS:
        for mode in ("L", "RGB", "RGBA", "P", "CMYK", "I;16", "LA", "1"):
            buffer = io.BytesIO()
            try:
                Image.fromarray(pixels).convert("L" if mode == "I;16" else mode).convert(mode).save(buffer, kind)
            except (OSError, ValueError, KeyError):
                continue  # not a mode that the format can hold
            yield buffer.getvalue()
    frames = [Image.fromarray(pixels), Image.fromarray(pixels[::-1].copy())]
    for kind in ("PNG", "GIF", "TIFF", "WEBP"):
        buffer = io.BytesIO()
        frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
        yield buffer.getvalue()
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    frames[0].save(buffer, "JPEG", exif=exif, icc_profile=b"profile")
    yield buffer.getvalue()


def one(data: bytes) -> None:
    path = file(data, "picture.png")
    with refusals():
        image = decode(path, 3)
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert image.shape[2] == 3
