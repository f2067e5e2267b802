"""What a dump of an input tensor holds: raw bytes, .npy, or numbers that a board printed.

A dump whose length is not the tensor's is read in every way that its length allows.
"""

from __future__ import annotations

import io
import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import dropwhile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.errors import BadFileError, MissingDataError
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
NUMBER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)f?")
BETWEEN = re.compile(r"[\s,;{}()\[\]|]*")


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """The numbers of a dump as one for each value of the tensor, flat.

    `stored`: they are to equal what the file stores; else they are real numbers. `why` says what is wrong with
    the form, "" if nothing is. `implied` are fields of a guess that follow from the form.
    """

    numbers: NDArray[np.float32]
    stored: bool
    why: str = ""
    implied: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Dump:
    """The content of a dump file: `values` as they lie there, uint8 for raw bytes."""

    path: Path
    values: NDArray[Any]
    form: str  # raw bytes, npy or text


def read_dump(path: Path) -> Dump:
    """Read a dump. MissingDataError if it is absent, BadFileError if it is empty, too large or no dump."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST else b""
    except FileNotFoundError as error:
        raise MissingDataError(f"{path}: no such file") from error
    if not 0 < size <= LARGEST:
        raise BadFileError(f"{path}: expected a dump of 1 to {LARGEST:,} bytes, found {size:,}")
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
    """The numbers of a text. Lines before the first and after the last line of numbers are left out."""
    lines = [_numbers(line) for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    first = next((place for place, line in enumerate(lines) if line), 0)
    for place, line in enumerate(dropwhile(lambda each: not each, lines), first + 1):
        if line is None:
            raise BadFileError(f"{path}: line {place}: expected numbers, found other text. Delete the line.")
    return np.array([number for line in lines if line for number in line])


def _numbers(line: str) -> list[float] | None:
    """The numbers of a line, [] for an empty one, None for other text."""
    at, found = PREFIX.match(line).end(), []  # type: ignore[union-attr]
    while at < len(line):
        at = BETWEEN.match(line, at).end()  # type: ignore[union-attr]
        if at == len(line):
            break
        if not (match := NUMBER.match(line, at)):
            return None
        word = match[0].rstrip("f") if "x" not in match[0].lower() else match[0]
        found.append(float(int(word, 16)) if "x" in word.lower() else float(word))
        at = match.end()
    return found


def readings(dump: Dump, tensor: Input) -> tuple[Reading, ...]:
    """Every way to read a dump as a tensor; () if its length fits none."""
    size, kind = prod(tensor.shape), np.dtype(tensor.dtype).newbyteorder("<")
    values = dump.values
    if dump.form == "raw bytes":
        return tuple(_from_bytes(values.tobytes(), tensor))
    whole = bool(np.isfinite(values).all() and (values == np.round(values)).all())
    if kind.kind in "iu" and whole and (data := _as_bytes(values, kind)) is not None:
        return tuple(_from_bytes(data, tensor))
    if values.size != size:
        return ()
    if kind.kind in "iu":
        return (Reading(numbers=_float(values), stored=False, why=f"the numbers are no {kind.name}"),)
    return (Reading(numbers=_float(values), stored=True),)


def _as_bytes(values: NDArray[Any], kind: np.dtype[Any]) -> bytes | None:
    """Whole numbers as the bytes of an integer type, printed with or without sign; None if they do not fit."""
    bits = 8 * kind.itemsize
    for low, high in ((-(1 << bits - 1), (1 << bits - 1) - 1), (0, (1 << bits) - 1)):
        if low <= values.min() and values.max() <= high:
            return (values.astype(np.int64) % (1 << bits)).astype(f"<u{kind.itemsize}").tobytes()
    return None


def _float(values: NDArray[Any]) -> NDArray[np.float32]:
    """Numbers to compute with: what is no number is 0, and none is beyond 1e9."""
    with np.errstate(over="ignore"):
        return np.nan_to_num(values.astype(np.float32)).clip(-1e9, 1e9)


def _from_bytes(data: bytes, tensor: Input) -> Iterator[Reading]:
    _, height, width, channels = tensor.shape
    size, kind = prod(tensor.shape), np.dtype(tensor.dtype).newbyteorder("<")
    if len(data) == size * kind.itemsize:
        yield Reading(numbers=_float(np.frombuffer(data, kind)), stored=True)
        return
    for name in ("float32", "uint8", "int8", "float16", "int16", "int32", "float64"):
        other = np.dtype(name).newbyteorder("<")
        if len(data) == size * other.itemsize:
            why = f"the values are {name}, the file takes {tensor.dtype}"
            yield Reading(numbers=_float(np.frombuffer(data, other)), stored=False, why=why)
    if len(data) == 2 * height * width and channels == 3:
        yield from _rgb565(data)
    yield from _longer(data, tensor, kind)


def _rgb565(data: bytes) -> Iterator[Reading]:
    for order, how in (("<", ""), (">", " with its bytes swapped")):
        words = np.frombuffer(data, f"{order}u2")
        parts = np.stack([words >> 11 << 3, (words >> 5 & 63) << 2, (words & 31) << 3], -1).astype(np.uint8)
        pixels = (parts | parts >> np.array([5, 6, 5], np.uint8)).reshape(-1)
        why = f"the picture is raw RGB565{how}, 2 bytes for each pixel"
        implied = {"damage": "rgb565", "values": "0..255"}
        yield Reading(numbers=_float(pixels), stored=False, why=why, implied=implied)


def _longer(data: bytes, tensor: Input, kind: np.dtype[Any]) -> Iterator[Reading]:
    """A fourth channel, padded rows, or bytes before or after the values."""
    _, height, width, channels = tensor.shape
    size, row = prod(tensor.shape), width * channels
    if channels == 3 and len(data) == 4 * height * width * kind.itemsize:
        pixels = np.frombuffer(data, kind).reshape(-1, 4)
        for kept, name in ((pixels[:, :3], "RGBA"), (pixels[:, 1:], "ARGB")):
            why = f"4 values for each pixel ({name} or another order), the file takes 3"
            yield Reading(numbers=_float(kept.reshape(-1)), stored=True, why=why)
    if len(data) > size * kind.itemsize and not len(data) % (height * kind.itemsize):
        rows = np.frombuffer(data, kind).reshape(height, -1)
        why = f"each row has {rows.shape[1] - row} values too many at its end"
        yield Reading(numbers=_float(rows[:, :row].reshape(-1)), stored=True, why=why)
    if 0 < (more := len(data) - size * kind.itemsize) <= HEADER:
        for part, place in ((data[more:], "before"), (data[:-more], "after")):
            why = f"{more} byte{'s' * (more > 1)} too many {place} the values"
            yield Reading(numbers=_float(np.frombuffer(part, kind)), stored=True, why=why)


def fitting(length: int, tensor: Input) -> tuple[str, ...]:
    """What pictures a length in bytes would hold, at the tensor's size and at the sizes of cameras."""
    _, height, width, _ = tensor.shape
    sizes = {(height, width), (240, 320), (120, 160), (480, 640), (96, 96), (224, 224)}
    forms = {"gray": 1, "RGB565 or YUV422": 2, "RGB": 3, "RGBA": 4, "gray float32": 4, "RGB float32": 12}
    ordered = sorted(sizes, key=lambda side: side != (height, width))
    return tuple(f"{w} x {h} {form}" for h, w in ordered for form, each in forms.items() if h * w * each == length)
