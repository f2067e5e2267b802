"""How an image becomes a tensor: the only definition, which the C code follows too."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eyespot.errors import BadFileError

if TYPE_CHECKING:
    from PIL import Image

    from eyespot.preprocessing.pipeline import Pipeline
    from eyespot.preprocessing.spec import Preprocessing

MAX_BYTES = 200_000_000
MAX_PIXELS = 65_000_000  # phones have 64 million; decoding takes up to 15 bytes for each
SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")  # others may start a program, as EPS does


def decode(path: Path, channels: int) -> NDArray[np.uint8]:
    """Read an image file upright (EXIF), as (height, width, channels) uint8, RGB or gray.

    Transparency is laid on white; more than 8 bits per channel are scaled to 8. BadFileError for what does
    not decode, has more than 65 million pixels, or has values whose scale is unknown.
    """
    with _opened(path) as image:
        return pixels(image, channels, str(path))


def orientation(path: Path) -> int:
    """The EXIF orientation of an image file, 1 (upright) to 8; 1 if it states none. Errors as `decode`."""
    with _opened(path) as image:
        stated = image.getexif().get(0x0112)
    return stated if isinstance(stated, int) and 1 <= stated <= 8 else 1


def form(path: Path) -> str:
    """The format and the mode of an image file, such as "JPEG RGB". Errors as `decode`."""
    with _opened(path) as image:
        return f"{image.format} {image.mode}"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """An image file, in memory: of a real file, Pillow reads as much as a damaged chunk states."""
    from PIL import Image

    with _decoding(str(path)):
        if not path.is_file():  # to open a pipe would wait for ever
            raise BadFileError(f"{path}: no such image")
        if path.stat().st_size > MAX_BYTES:
            raise BadFileError(f"{path}: expected a file of at most {MAX_BYTES:,} bytes; make it smaller")
        with warnings.catch_warnings(action="ignore"):  # a damaged file either decodes or does not
            Image.preinit()  # the common formats; to try one that is not loaded, `open` loads all 40
            with Image.open(io.BytesIO(path.read_bytes()), formats=FORMATS) as image:
                yield image


@contextlib.contextmanager
def _decoding(name: str) -> Iterator[None]:
    """BadFileError for whatever Pillow raises."""
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except BadFileError:
        raise
    except Image.DecompressionBombError as error:
        raise BadFileError(f"{name}: {error}; at most {MAX_PIXELS:,} are read, make it smaller") from error
    except UnidentifiedImageError as error:  # whose message has an address
        raise BadFileError(f"{name}: does not decode as an image (expected one of {', '.join(FORMATS)})") from error
    except Exception as error:  # Pillow's decoders raise whatever a damaged file leads them to
        raise BadFileError(f"{name}: does not decode as an image ({str(error)[:80]})") from error


def pixels(image: Image.Image, channels: int, name: str) -> NDArray[np.uint8]:
    """A Pillow image as `decode` returns one; `name` is for its errors, which are the same."""
    from PIL import ImageOps

    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width} x {image.height} pixels"
        raise BadFileError(f"{name}: {size}; at most {MAX_PIXELS:,} are read, make it smaller")
    with _decoding(name):
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
    if not image.width * image.height:
        raise BadFileError(f"{name}: expected an image, found {image.width} x {image.height} pixels")
    upright, mode = _opaque(image, name), "L" if channels == 1 else "RGB"
    upright = upright if upright.mode == mode else upright.convert(mode)  # a copy takes 4 bytes a pixel
    return np.asarray(upright).reshape(upright.height, upright.width, channels)


def _opaque(image: Image.Image, name: str) -> Image.Image:
    """An 8-bit image without transparency."""
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(image), image.mode, name))
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image


def _eight_bits(values: NDArray[Any], mode: str, name: str) -> NDArray[np.uint8]:
    """Gray values of 16 bits (mode I;16), of 32 bits (I) or floating point (F) as 8 bits, row by row."""
    low, high, times, over = values.min(), values.max(), 1, 1
    if mode == "F" and low >= 0 and high <= 1:
        times = 255
    elif mode.startswith("I;16") or (mode == "I" and low >= 0 and 255 < high <= 65_535):
        over = 257
    elif not (low >= 0 and high <= 255 and all((row == row.round()).all() for row in values)):
        raise BadFileError(
            f"{name}: expected values of 8 or 16 bits, or floating point from 0 to 1, found {low:g} to "
            f"{high:g} (mode {mode}). Save it with 8 bits per channel"
        )
    eight = np.empty(values.shape, np.uint8)
    for row, result in zip(values, eight, strict=True):
        result[:] = (row.astype(np.float64) * times / over).round()
    return eight


def fit(image: NDArray[np.uint8], spec: Preprocessing) -> NDArray[np.uint8]:
    """Crop, resize and recolour an (h, w, 1 or 3) image to the shape and order that `spec` asks for."""
    if image.shape != spec.shape or spec.crop is not None:
        from PIL import Image

        picture = to_pillow(image).convert("L" if spec.channels == 1 else "RGB")
        box = central(picture.width, picture.height, spec.crop)
        resized = picture.resize((spec.width, spec.height), Image.Resampling[spec.resize.upper()], box)
        image = np.asarray(resized).reshape(spec.shape)
    return image[..., ::-1] if spec.order == "bgr" else image


def to_pillow(image: NDArray[np.uint8]) -> Image.Image:
    """An (h, w, 1 or 3) array as a Pillow image."""
    from PIL import Image

    return Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image)


def central(width: int, height: int, crop: float | None) -> tuple[float, float, float, float]:
    """The (left, top, right, bottom) of the part of an image that is used, in whole pixels."""
    if crop is None:
        return 0, 0, width, height
    side = max(1, round(min(width, height) * crop))
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def to_real(pixels: Any, spec: Preprocessing | Pipeline) -> Any:
    """Pixels 0..255, a float array of (..., channels), to the numbers that a float32 file takes."""
    return (pixels - np.asarray(spec.mean)) / np.asarray(spec.std)
