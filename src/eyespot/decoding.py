"""Decoding of JSON and TOML files, which users write and disks damage, into the package's dataclasses."""

from __future__ import annotations

import stat
import tomllib
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from eyespot.errors import BadFileError

T = TypeVar("T")

LARGEST_JSON = 8 << 20  # bytes; the confusion of 50,000 images in 1,000 classes is 2 MB
LARGEST_TOML = 32 << 10  # bytes; tomllib takes 3 s for one key of that length, and 4 times as long for two
LONGEST = 300  # characters of a reason


def read(kind: type[T], path: Path, remedy: str, **more: Any) -> T:
    """A .json or .toml file, with `more` fields added, as a `kind`: every field present, known, of its type.

    FileNotFoundError; BadFileError says where the first fault is, in one line that ends with the remedy.
    """
    data = _bytes(path, LARGEST_TOML if path.suffix == ".toml" else LARGEST_JSON, remedy)
    try:
        value = tomllib.loads(data.decode("utf-8-sig")) if path.suffix == ".toml" else msgspec.json.decode(data)
        value = value | more if more else value
        result = msgspec.convert(value, kind)
        _refuse_unknown_fields(value, result, "$")
    except (ValueError, RecursionError) as error:
        message = " ".join(str(error).split())[:LONGEST].replace(", got ", ", found ").replace(" - at ", " at ")
        if isinstance(error, msgspec.ValidationError):
            message = message[:1].lower() + message[1:]
        raise BadFileError(f"{path}: {message}. {remedy}") from error
    return result


def _bytes(path: Path, most: int, remedy: str) -> bytes:
    """The bytes of a regular file. BadFileError if there are more, FileNotFoundError if it does not exist."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > most:
        raise BadFileError(f"{path}: expected a regular file of at most {most:,} bytes. {remedy}")
    return path.read_bytes()


def _refuse_unknown_fields(value: Any, result: Any, at: str) -> None:
    """ValidationError for a field that its dataclass lacks; msgspec ignores these."""
    if isinstance(value, dict):
        known = vars(result) if is_dataclass(result) else result
        for name, each in value.items():
            if name not in known:
                raise msgspec.ValidationError(f"Unknown field `{name}` at `{at}`")
            _refuse_unknown_fields(each, known[name], f"{at}.{name}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            _refuse_unknown_fields(each, result[index], f"{at}[{index}]")
