"""Golden vectors: a picture's pixels, the input tensor, the output, each as the file at hand makes it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyespot import decoding
from eyespot.errors import BadFileError
from eyespot.exports.folder import answers
from eyespot.preprocessing.image import decode
from eyespot.preprocessing.spec import Contract
from eyespot.preprocessing.synthetic import GOLDEN
from eyespot.tflite.read import File, Tensor

REMEDY = "Make the folder again"


class Golden(NamedTuple):
    """One picture's vectors: pixels (h, w, c), tensor (h, w, c), output (classes,)."""

    pixels: NDArray[np.uint8]
    tensor: NDArray[Any]
    output: NDArray[Any]


@dataclass(frozen=True)
class Description:
    """golden.json: the digest of the file, the shape and type of its tensors, the number of pictures."""

    file: str
    kernels: str
    input: dict[str, Any]
    output: dict[str, Any]
    pictures: int


def generated(file: File, contract: Contract) -> tuple[Golden, ...]:
    """Vectors made now, by LiteRT's reference kernels. BadFileError if they refuse the file."""
    return tuple(Golden(*each) for each in answers(file, contract))


def read_golden(folder: Path, file: File) -> tuple[Golden, ...]:
    """The vectors in a folder. FileNotFoundError without golden.json, BadFileError if they are not the file's."""
    path = folder / "golden.json"
    stated = decoding.read(Description, path, REMEDY)
    if stated.file != file.sha256:
        found = f"found {stated.file[:12]}..."
        raise BadFileError(f"{path}: expected vectors of {file.path.name} ({file.sha256[:12]}...), {found}. {REMEDY}.")
    if not 0 < stated.pictures <= GOLDEN:
        raise BadFileError(f"{path}: expected 1 to {GOLDEN} pictures, found {stated.pictures}. {REMEDY}.")
    return tuple(
        Golden(
            _picture(folder / f"{index}.png", *file.input.shape[1:]),
            _stored(folder / f"{index}.input.bin", file.input).reshape(file.input.shape[1:]),
            _stored(folder / f"{index}.output.bin", file.output),
        )
        for index in range(stated.pictures)
    )


def _picture(path: Path, height: int, width: int, channels: int) -> NDArray[np.uint8]:
    pixels = decode(path, channels)
    if pixels.shape[:2] != (height, width):
        found = f"found {pixels.shape[1]} x {pixels.shape[0]}"
        raise BadFileError(f"{path}: expected {width} x {height} pixels, {found}. {REMEDY}.")
    return pixels


def _stored(path: Path, tensor: Tensor) -> NDArray[Any]:
    """A raw tensor, flat and little endian. BadFileError if its length is not the tensor's."""
    kind = np.dtype(tensor.dtype).newbyteorder("<")
    if not path.is_file():
        raise BadFileError(f"{path}: no such file. {REMEDY}.")
    expected, found = prod(tensor.shape) * kind.itemsize, path.stat().st_size
    if found != expected:
        raise BadFileError(f"{path}: expected {expected:,} bytes of {tensor.dtype}, found {found:,}. {REMEDY}.")
    return np.fromfile(path, kind).astype(tensor.dtype)
