"""What a worker of an inspection does: it decodes pictures, and says what it saw of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.data.split import Image, Split, image_digest, is_blank
from eyespot.errors import BadFileError
from eyespot.preprocessing.image import form, to_pillow
from eyespot.preprocessing.spec import Preprocessing
from eyespot.tflite.kernels import Content
from eyespot.tflite.run import checked, encoder_of, open_runner
from eyespot.zoo.cards import Dataset

Span = tuple[int, int]
Pixels = NDArray[np.uint8]

SIDE = 16  # pixels of the thumbnails that are compared
SHEET = 96  # and of those on a contact sheet


@dataclass(frozen=True, kw_only=True)
class Extractor:
    """A network without its last layer, the `levels` of its input, and how many features it gives."""

    name: str
    file: Content
    table: NDArray[Any]
    preprocessing: Preprocessing
    width: int


@dataclass(frozen=True, kw_only=True)
class Job:
    """A split of the data in `root`; `thorough` asks for thumbnails, `extractor` for features."""

    data: Dataset
    root: Path
    split: str
    thorough: bool = False
    extractor: Extractor | None = None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of n pictures: an error ("" if it decodes) for each, its size, format and digest.

    `thumbnails` are (n, 16, 16, 3) and `features` (n, width), with no rows if they were not asked for. A
    broken picture has zeros.
    """

    errors: list[str]
    sizes: NDArray[np.int64]
    forms: list[str]
    digests: list[bytes]
    blank: list[bool]
    thumbnails: NDArray[np.uint8]
    features: NDArray[np.float16]


def open_job(job: Job) -> Callable[[Span], Seen]:
    """A function from (start, stop) to what these pictures of the split are. BadFileError for a refused network."""
    split, extract = _opened(job), _features(job.extractor)

    def work(span: Span) -> Seen:
        read = [_read(split, i) for i in range(*span)]
        images = [image if isinstance(image, np.ndarray) else None for image in read]
        return Seen(
            errors=[error if isinstance(error, str) else "" for error in read],
            sizes=np.array([(0, 0) if each is None else each.shape[1::-1] for each in images], np.int64),
            forms=["" if each is None else _form(split, i, each) for i, each in enumerate(images, span[0])],
            digests=[b"" if each is None else image_digest(each) for each in images],
            blank=[each is not None and is_blank(each) for each in images],
            thumbnails=np.array([_squeezed(each) for each in images if job.thorough], np.uint8),
            features=np.array([extract(each) for each in images if extract], np.float16),
        )

    return work


def open_sheet(job: Job) -> Callable[[int], Pixels]:
    """A function from a picture's number to a thumbnail of it (96, 96, 3) on gray; gray alone if it is broken."""
    split = _opened(job)

    def work(i: int) -> Pixels:
        whole = np.full((SHEET, SHEET, 3), 128, np.uint8)
        image = _read(split, i)
        if isinstance(image, str):
            return whole
        sides = [max(1, side * SHEET // max(image.shape[:2])) for side in image.shape[1::-1]]
        picture = to_pillow(image).convert("RGB").resize((sides[0], sides[1]))
        top, left = (SHEET - picture.height) // 2, (SHEET - picture.width) // 2
        whole[top : top + picture.height, left : left + picture.width] = np.asarray(picture)
        return whole

    return work


def _opened(job: Job) -> Split:
    split: Split = import_module(job.data.reader).read(job.data, job.root, job.split)
    return split


def _read(split: Split, i: int) -> Image | str:
    """Picture i, or why it cannot be read."""
    try:
        return split.read(i)
    except BadFileError as error:
        return str(error)
    except OSError as error:
        return error.strerror or type(error).__name__


def _form(split: Split, i: int, image: Image) -> str:
    return form(split.path(i)) if split.path else f"array {'L' if image.shape[2] == 1 else 'RGB'}"


def _squeezed(image: Image | None) -> Pixels:
    """The whole picture in 16 x 16 pixels, whatever its proportions."""
    from PIL.Image import Resampling

    if image is None:
        return np.zeros((SIDE, SIDE, 3), np.uint8)
    return np.asarray(to_pillow(image).convert("RGB").resize((SIDE, SIDE), Resampling.BOX, reducing_gap=2.0))


def _features(extractor: Extractor | None) -> Callable[[Image | None], NDArray[Any]] | None:
    """A function from a picture to its features (width,)."""
    if extractor is None:
        return None
    file, width = extractor.file, extractor.width
    encode, run = encoder_of(extractor.preprocessing, extractor.table), open_runner(file, "xnnpack")
    return lambda image: np.zeros(width) if image is None else _half(checked(file, run(encode(image)), width))


def _half(values: NDArray[Any]) -> NDArray[np.float16]:
    return values.clip(-60_000, 60_000).astype(np.float16)
