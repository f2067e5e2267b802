"""Reads a dump of an input tensor: raw bytes, .npy, or numbers that a board printed.

A dump whose length is not the tensor's is read in every way that its length allows.
"""

from __future__ import annotations

import io
import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import dropwhile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.errors import BadFileError, MissingDataError
from eyespot.preprocessing.damage import from_rgb565
from eyespot.preprocessing.spec import Input

HEADER = 1024  # bytes that may stand before or after the values
LARGEST = 256 << 20  # bytes of a dump file
PRINTABLE = frozenset(string.printable.encode())
# What may stand before the numbers of a line: "[12:00:01] ", "12:00:01.250 ", "I (1234) camera: ", "input[0] = "
PREFIX = re.compile(
    r"\s*(?:\[\s*(?:[A-Za-z]|[^\]]*\d:\d)[^\]]*\]\s*"
    r"|\d+:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(?:->|[>:|])?\s+|[VDIWE] \(\d+\) )*"
    r"(?:[A-Za-z_][\w .]*(?:\[\d+\])*\s*[:=]+\s*)?"
)
NUMBER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]{1,16}|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?f?)")
BETWEEN = re.compile(r"[\s,;{}()\[\]|]+")


@dataclass(frozen=True, kw_only=True, eq=False)
class Dump:
    """The content of a dump file: `values` as they lie there, uint8 for raw bytes."""

    path: Path
    values: NDArray[Any]
    form: str  # raw bytes, npy or text


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """The numbers of a dump as one for each value of the tensor, flat.

    `stored`: they are to equal what the file stores; else they are real numbers. `why` says what is wrong with
    the form, "" if nothing is. `implied` are words of a guess that follow from the form.
    """

    numbers: NDArray[np.float32]
    stored: bool
    why: str
    implied: Mapping[str, str]

    @cached_property
    def deviation(self) -> float:
        """The mean difference from the median."""
        return float(np.abs(self.numbers - np.median(self.numbers)).mean(dtype=np.float64))


def read_dump(path: Path) -> Dump:
    """Read a dump. MissingDataError if it is absent, BadFileError if it is empty, too large or no dump."""
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file")
    if not 0 < (size := path.stat().st_size) <= LARGEST:
        raise BadFileError(f"{path}: expected a dump of 1 to {LARGEST:,} bytes, found {size:,}")
    data = path.read_bytes()
    if data.startswith(b"\x93NUMPY"):
        return Dump(path=path, values=_npy(data, path), form="npy")
    if PRINTABLE.issuperset(data) and (numbers := _printed(data.decode("ascii"), path)).size:
        return Dump(path=path, values=numbers, form="text")
    return Dump(path=path, values=np.frombuffer(data, np.uint8), form="raw bytes")


def _npy(data: bytes, path: Path) -> NDArray[Any]:
    try:
        values = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # numpy parses the header as Python
        raise BadFileError(f"{path}: is a damaged .npy file ({str(error)[:80]}). Save it with numpy.save") from error
    if values.dtype.kind not in "iuf" or not values.size:
        raise BadFileError(f"{path}: expected numbers, found {values.size} values of {values.dtype}")
    return np.asarray(values.reshape(-1))


def _printed(text: str, path: Path) -> NDArray[np.float64]:
    """The numbers of a text, () if it has none. Other text may stand before the first line of them and after the last.

    BadFileError for other text between.
    """
    lines = list(enumerate(map(_numbers, text.splitlines()), 1))
    for _ in range(2):  # strip both ends
        lines = list(dropwhile(lambda line: not line[1], lines))[::-1]
    for place, numbers in lines:
        if numbers is None:
            raise BadFileError(f"{path}: line {place}: expected numbers, found other text. Delete the line.")
    return np.array([number for _, numbers in lines for number in numbers or ()])


def _numbers(line: str) -> list[float] | None:
    """The numbers of a line, [] for an empty one, None for other text."""
    prefix = PREFIX.match(line)
    words = BETWEEN.sub(" ", line[prefix.end() if prefix else 0 :]).split()
    if not all(map(NUMBER.fullmatch, words)):
        return None
    return [float(int(word, 16)) if "x" in word.lower() else float(word.rstrip("f")) for word in words]


def readings(dump: Dump, tensor: Input) -> tuple[Reading, ...]:
    """Every way to read a dump as a tensor; () if its length fits none."""
    data = dump.values.tobytes() if dump.form == "raw bytes" else _whole(dump.values, tensor)
    if data is not None:
        return tuple(_from_bytes(data, tensor))
    why = "" if tensor.dtype == "float32" else f"the numbers are no {tensor.dtype}"
    return (_reading(dump.values, why, stored=not why),) if dump.values.size == prod(tensor.shape) else ()


def _whole(values: NDArray[Any], tensor: Input) -> bytes | None:
    """Whole numbers as the bytes of an integer tensor, printed with or without sign; None if they do not fit."""
    kind = _little(tensor.dtype)
    half, low, high = 1 << 8 * kind.itemsize - 1, float(values.min()), float(values.max())
    fits = -half <= low and high < (half if low < 0 else 2 * half)
    if kind.kind == "f" or not fits or (values != np.round(values)).any():
        return None
    return values.astype(np.int64).astype(kind).tobytes()


def _little(dtype: str) -> np.dtype[Any]:
    return np.dtype(dtype).newbyteorder("<")


def _reading(found: NDArray[Any], why: str = "", *, stored: bool = True, **implied: str) -> Reading:
    """Numbers to compute with: what is no number is 0, and none is beyond 1e9."""
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = np.nan_to_num(found.reshape(-1).astype(np.float32)).clip(-1e9, 1e9)
    return Reading(numbers=numbers, stored=stored, why=why, implied=implied)


def _from_bytes(data: bytes, tensor: Input) -> Iterator[Reading]:
    _, height, width, channels = tensor.shape
    size, kind = prod(tensor.shape), _little(tensor.dtype)
    if len(data) == size * kind.itemsize:
        yield _reading(np.frombuffer(data, kind))
        return
    for name in ("float32", "uint8", "int8", "float16", "int16", "int32", "float64"):
        if len(data) == size * np.dtype(name).itemsize:
            why = f"the values are {name}, the file takes {tensor.dtype}"
            yield _reading(np.frombuffer(data, _little(name)), why, stored=False)
    if len(data) == 2 * height * width and channels == 3:
        for order, how in (("<", ""), (">", " with its bytes swapped")):
            why = f"the picture is raw RGB565{how}, 2 bytes for each pixel"
            words = np.frombuffer(data, f"{order}u2")
            yield _reading(from_rgb565(words), why, stored=False, damage="rgb565", values="0..255")
    if len(data) > size * kind.itemsize:
        yield from _longer(data, tensor, kind)


def _longer(data: bytes, tensor: Input, kind: np.dtype[Any]) -> Iterator[Reading]:
    """A fourth channel, padded rows, or bytes before or after the values."""
    _, height, width, channels = tensor.shape
    more = len(data) - prod(tensor.shape) * kind.itemsize
    if channels == 3 and len(data) == 4 * height * width * kind.itemsize:
        pixels = np.frombuffer(data, kind).reshape(-1, 4)
        for kept, name in ((pixels[:, :3], "RGBA"), (pixels[:, 1:], "ARGB")):
            yield _reading(kept, f"4 values for each pixel ({name} or another order), the file takes 3")
    if not len(data) % (height * kind.itemsize):
        rows, row = np.frombuffer(data, kind).reshape(height, -1), width * channels
        yield _reading(rows[:, :row], f"each row has {rows.shape[1] - row} values too many at its end")
    if more <= HEADER:
        for part, place in ((data[more:], "before"), (data[:-more], "after")):
            why = f"{more} byte{'s' * (more > 1)} too many {place} the values"
            yield _reading(np.frombuffer(part, kind), why)


def fitting(length: int, tensor: Input) -> tuple[str, ...]:
    """What pictures a length in bytes would hold, at the tensor's size and at the sizes of cameras."""
    sizes = dict.fromkeys([tensor.shape[1:3], (240, 320), (120, 160), (480, 640), (96, 96), (224, 224)])
    forms = {"gray": 1, "RGB565 or YUV422": 2, "RGB": 3, "RGBA": 4, "gray float32": 4, "RGB float32": 12}
    return tuple(f"{w} x {h} {form}" for h, w in sizes for form, each in forms.items() if h * w * each == length)
