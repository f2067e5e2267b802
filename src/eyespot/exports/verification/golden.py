"""Golden vectors: a picture's pixels, the input tensor, the output, each as the file at hand makes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot import decoding, isolation
from eyespot.errors import BadFileError
from eyespot.exports.folder import PICTURES
from eyespot.preprocessing.image import decode
from eyespot.preprocessing.spec import Contract
from eyespot.preprocessing.synthetic import picture
from eyespot.tflite import run as running
from eyespot.tflite.kernels import Kernels
from eyespot.tflite.read import File, Tensor


@dataclass(frozen=True, kw_only=True)
class Form:
    """The shape and type of a golden tensor."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, kw_only=True)
class Description:
    """golden.json: the digest of the file, and what its vectors hold."""

    file: str
    kernels: str
    input: Form
    output: Form
    pictures: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Golden:
    """One picture's vectors: pixels (h, w, c), tensor (h, w, c), output (classes,)."""

    pixels: NDArray[np.uint8]
    tensor: NDArray[Any]
    output: NDArray[Any]


def generated(file: File, contract: Contract) -> tuple[Golden, ...]:
    """Vectors made now, by LiteRT's reference kernels. BadFileError if they refuse the file."""
    encode, spec = running.encoder(file, contract), contract.preprocessing
    pixels = [picture(index, *spec.shape) for index in range(PICTURES)]
    tensors = [encode(each) for each in pixels]
    made = zip(pixels, tensors, outputs(file, tensors, "reference"), strict=True)
    return tuple(Golden(pixels=p, tensor=t, output=o) for p, t, o in made)


def outputs(file: File, tensors: Sequence[NDArray[Any]], kernels: Kernels) -> list[NDArray[Any]]:
    """What kernels answer to tensors, in a worker, as a file can crash them. Errors as `open_runner`."""
    with isolation.Pool(1, name=f"{file.path}: {kernels}") as pool:
        return list(pool.open(running.open_runner, file.content, kernels)(tensors))


def read_golden(folder: Path, file: File) -> tuple[Golden, ...]:
    """The vectors in a folder. FileNotFoundError without golden.json, BadFileError if they are not the file's."""
    path, remedy = folder / "golden.json", "Make the folder again"
    stated = decoding.read(Description, path, remedy)
    if stated.file != file.sha256:
        found = f"found {stated.file[:12]}..."
        raise BadFileError(f"{path}: expected vectors of {file.path.name} ({file.sha256[:12]}...), {found}. {remedy}.")
    if not 0 < stated.pictures <= PICTURES:
        raise BadFileError(f"{path}: expected 1 to {PICTURES} pictures, found {stated.pictures}. {remedy}.")
    return tuple(_read(folder, file, range(stated.pictures)))


def _read(folder: Path, file: File, pictures: range) -> Iterator[Golden]:
    shape = file.input.shape[1:]
    for index in pictures:
        pixels = decode(folder / f"{index}.png", shape[2])
        if pixels.shape != shape:
            found = f"found {pixels.shape[1]} x {pixels.shape[0]}"
            expected = f"expected {shape[1]} x {shape[0]} pixels, {found}. Make the folder again."
            raise BadFileError(f"{folder / f'{index}.png'}: {expected}")
        tensor = _stored(folder / f"{index}.input.bin", file.input).reshape(shape)
        yield Golden(pixels=pixels, tensor=tensor, output=_stored(folder / f"{index}.output.bin", file.output))


def _stored(path: Path, tensor: Tensor) -> NDArray[Any]:
    """A raw tensor, flat and little endian. BadFileError if its length is not the tensor's."""
    kind = np.dtype(tensor.dtype).newbyteorder("<")
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise BadFileError(f"{path}: no such file. Make the folder again.") from error
    if len(data) != prod(tensor.shape) * kind.itemsize:
        size = f"expected {prod(tensor.shape) * kind.itemsize:,} bytes of {tensor.dtype}, found {len(data):,}"
        raise BadFileError(f"{path}: {size}. Make the folder again.")
    return np.frombuffer(data, kind).astype(tensor.dtype)
