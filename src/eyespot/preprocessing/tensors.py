"""What a `Pipeline` makes of a picture: the pixels that the network sees, and the numbers in its input tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.preprocessing.damage import DAMAGES, Image
from eyespot.preprocessing.image import central, to_pillow, to_real
from eyespot.preprocessing.pipeline import OFFSETS, Filter, Pipeline
from eyespot.preprocessing.spec import Input

Encode = Callable[[Image], NDArray[Any]]

WRAPS = frozenset({"wrapped", "shifted", "unshifted"})  # casts that drop the high bits; the others clip
MIRRORED = frozenset({2, 4, 5, 7})  # EXIF orientations
QUARTERS = (0, 0, 2, 2, 1, 1, 3, 3)  # of a turn, counterclockwise, after mirroring, by EXIF orientation from 1


def stored(pipeline: Pipeline, picture: Image, tensor: Input, orientation: int = 1) -> NDArray[Any]:
    """What the input tensor holds, (height, width, channels), of a picture that was decoded upright.

    `orientation` is the EXIF tag of its file. ValueError as `levels`.
    """
    return look_up(levels(pipeline, tensor))(pixels(pipeline, picture, tensor.shape[1:], orientation))


def look_up(table: NDArray[Any]) -> Encode:
    """A function from pixels (..., channels) to what a table of `levels` makes of them."""
    if table.ndim == 2:
        return lambda pixels: table[pixels, np.arange(table.shape[1])]
    if table.dtype == np.int8 and (table == np.arange(-128, 128)).all():
        return lambda pixels: (pixels ^ 128).view(np.int8)  # pixel - 128, in a tenth of the time
    return table.take


def levels(pipeline: Pipeline, tensor: Input) -> NDArray[Any]:
    """What each pixel value 0..255 becomes in an input tensor: (256,), or (256, channels) if they differ.

    ValueError for mean and std of three channels where there is one, and for a cast to float32.
    """
    channels = tensor.shape[3]
    if channels < max(len(pipeline.mean), len(pipeline.std)):
        raise ValueError(f"the range {pipeline.range} is for 3 channels, the file has {channels}")
    if tensor.dtype == "float32" and pipeline.cast != "quantized":
        raise ValueError(f"{pipeline.cast} is for integer inputs, the file takes float32")
    real: NDArray[Any] = to_real(np.arange(256.0)[:, None], pipeline)
    real = real[:, 0] if (real == real[:, :1]).all() else real
    if tensor.dtype == "float32":
        return real.astype(np.float32)
    if pipeline.cast in OFFSETS:
        whole = real + OFFSETS[pipeline.cast]
    else:
        whole = np.round(real / tensor.scale) + tensor.zero_point
    info = np.iinfo(tensor.dtype)
    if pipeline.cast in WRAPS:
        return (whole % (1 << info.bits)).astype(np.int64).astype(info.dtype)
    return whole.clip(info.min, info.max).astype(info.dtype)


def pixels(pipeline: Pipeline, picture: Image, shape: tuple[int, ...], orientation: int = 1) -> Image:
    """A picture (h, w, 1 or 3) that was decoded upright as the network sees it: `shape` is (height, width, channels).

    `orientation` is the EXIF tag of its file.
    """
    height, width, channels = shape
    picture = picture if pipeline.upright else sideways(picture, orientation)
    rgb = picture if picture.shape[2] == 3 else np.repeat(picture, 3, axis=2)
    if channels == 1:  # gray first, as `image.fit` does it
        return _fitted(pipeline, _coloured(pipeline, rgb, 1), height, width)
    return _coloured(pipeline, _fitted(pipeline, rgb, height, width), 3)


def sideways(picture: Image, orientation: int) -> Image:
    """An upright picture as its file stores it, whose EXIF tag (1 to 8) is `orientation`."""
    mirrored = np.fliplr(picture) if orientation in MIRRORED else picture
    return np.ascontiguousarray(np.rot90(mirrored, QUARTERS[orientation - 1]))


def _coloured(pipeline: Pipeline, image: Image, channels: int) -> Image:
    """An RGB image after the damage, in the order of the channels."""
    if pipeline.damage != "none":
        image = DAMAGES[pipeline.damage](image)
    if pipeline.order == "bgr":
        image = image[..., ::-1]
    if channels == 3 and pipeline.order != "gray":
        return image
    luma = np.asarray(to_pillow(np.ascontiguousarray(image)).convert("L"))[..., None]
    return np.repeat(luma, channels, axis=2)


def _fitted(pipeline: Pipeline, image: Image, height: int, width: int) -> Image:
    """At the size of the network's input; a letterboxed picture lies in the middle of black."""
    box = central(image.shape[1], image.shape[0], pipeline.crop if pipeline.fit == "crop" else None)
    if pipeline.fit != "letterbox":
        return _resized(image, height, width, pipeline.filter, box)
    scale = min(height / image.shape[0], width / image.shape[1])
    h, w = (max(1, round(side * scale)) for side in image.shape[:2])
    top, left = (height - h) // 2, (width - w) // 2
    whole = np.zeros((height, width, image.shape[2]), np.uint8)
    whole[top : top + h, left : left + w] = _resized(image, h, w, pipeline.filter, box)
    return whole


def _resized(image: Image, height: int, width: int, name: Filter, box: tuple[float, float, float, float]) -> Image:
    left, top, right, bottom = map(int, box)
    if (bottom - top, right - left) == (height, width):
        return image[top:bottom, left:right]
    if name == "opencv":
        return _interpolated(image[top:bottom, left:right], height, width)
    from PIL import Image as Pillow

    filtering = Pillow.Resampling["BOX" if name == "area" else name.upper()]
    return np.asarray(to_pillow(image).resize((width, height), filtering, box)).reshape(height, width, -1)


def _interpolated(image: Image, height: int, width: int) -> Image:
    """Bilinear between the nearest two pixels, centres aligned, as cv2.resize does with INTER_LINEAR."""
    real = image.astype(np.float32)
    for axis, size in ((0, height), (1, width)):
        place = ((np.arange(size) + 0.5) * real.shape[axis] / size - 0.5).clip(0, real.shape[axis] - 1)
        low = place.astype(int)
        share = (place - low).astype(np.float32).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        high = np.minimum(low + 1, real.shape[axis] - 1)
        real = real.take(low, axis) * (1 - share) + real.take(high, axis) * share
    return real.round().astype(np.uint8)
