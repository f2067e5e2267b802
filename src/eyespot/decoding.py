"""Decoding of JSON and TOML files, which users write and disks damage, into the package's dataclasses."""

from __future__ import annotations

import tomllib
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from eyespot.errors import BadFileError

T = TypeVar("T")


def read(kind: type[T], path: Path, remedy: str, **more: Any) -> T:
    """A .json or .toml file, with `more` fields added, as a `kind`: every field present, known, of its type.

    FileNotFoundError; BadFileError says where the first fault is, in one line that ends with the remedy.
    """
    data = path.read_bytes()
    try:
        value = tomllib.loads(data.decode()) if path.suffix == ".toml" else msgspec.json.decode(data)
        value = value | more if more else value
        result = msgspec.convert(value, kind)
        _refuse_unknown_fields(value, result, "$")
    except (ValueError, RecursionError) as error:
        message = str(error).replace(", got ", ", found ").replace(" - at ", " at ")
        if isinstance(error, msgspec.ValidationError):
            message = message[:1].lower() + message[1:]
        raise BadFileError(f"{path}: {message}. {remedy}") from error
    return result


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
