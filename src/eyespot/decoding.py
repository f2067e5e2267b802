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
    """Decode a .json or .toml file, with `more` fields added. FileNotFoundError, and errors as `decode`."""
    data = path.read_bytes()
    try:
        value = tomllib.loads(data.decode()) if path.suffix == ".toml" else msgspec.json.decode(data)
    except (ValueError, RecursionError) as error:
        raise BadFileError(f"{path}: {error}. {remedy}") from error
    return decode(kind, value | more if more else value, path, remedy)


def decode(kind: type[T], value: Any, where: object, remedy: str) -> T:
    """`value`, as JSON or TOML holds it, as a `kind` with every field present, known and of its type.

    BadFileError says where the first fault is, in one line that ends with the remedy.
    """
    try:
        result = msgspec.convert(value, kind)
        _refuse_unknown_fields(value, result, "$")
    except (msgspec.ValidationError, RecursionError) as error:
        message = str(error).replace(", got ", ", found ").replace(" - at ", " at ")
        raise BadFileError(f"{where}: {message[:1].lower()}{message[1:]}. {remedy}") from error
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
