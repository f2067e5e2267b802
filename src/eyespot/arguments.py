"""Arguments: checked in Python as on the command line."""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from os import PathLike, fsdecode, fsencode
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from cyclopts import Parameter

from eyespot.errors import BadArgumentError, MissingExtraError
from eyespot.nouns import Table, brief

CORES = 1024  # processes or threads at most; a slip of the keyboard starts no more

P = ParamSpec("P")
R = TypeVar("R")

Options = Annotated[str | None, Parameter(allow_leading_hyphen=True)]  # those of another program
Bytes = int | str | None  # as people write sizes: 256k, 1M, 300,000
UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
SIZE = r"(\d{1,15}|\d{1,3}(?:[,_]\d{3}){1,4})(\.\d+)?\s*([kmg]?)(?:i?b)?"


def _text(value: str | PathLike[str]) -> str:
    """A name or the text of a path. ValueError for what no file can be called."""
    text = fsdecode(value)
    if b"\0" in fsencode(text):  # which fails for a part of a character
        raise ValueError("a character of no file name")
    return text


FORMS: dict[Any, tuple[Any, Callable[[Any], Any]]] = {  # what a parameter of each type accepts, and as what
    int: (Integral, int),
    float: (Real, float),
    str: ((str, PathLike), _text),
    Path: ((str, PathLike), lambda value: Path(_text(value))),
}


def verb(function: Callable[P, R]) -> Callable[P, R]:
    """A function that checks its arguments by its type hints, and returns a tuple of nouns as a `Table`.

    It raises BadArgumentError, and MissingExtraError for a package that an extra installs.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        hints = get_type_hints(function)
        bound = signature.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            bound.arguments[name] = accepted(name, value, hints[name])
        try:
            result = function(*bound.args, **bound.kwargs)
        except ModuleNotFoundError as error:
            raise MissingExtraError.of(error) from None
        shown: Any = Table(result) if isinstance(result, tuple) else result
        return shown

    return checked


def accepted(name: str, value: Any, hint: Any) -> Any:
    """An argument as a parameter of the type `hint` takes it. BadArgumentError if it does not."""
    options = _options(hint)
    for option in options:
        origin = get_origin(option) or option
        kinds, convert = FORMS.get(origin, (origin, lambda same: same))
        if isinstance(option, str):
            if isinstance(value, str) and value == option:
                return value
        elif origin is Sequence:
            if isinstance(value, tuple | list):
                return tuple(accepted(name, each, get_args(option)[0]) for each in value)
        elif isinstance(value, kinds) and isinstance(value, bool) == (option is bool):
            with contextlib.suppress(ValueError):
                return convert(value)
    *others, last = (getattr(each, "__name__", each) for each in options if each is not NoneType)
    expected = f"{', '.join(others)} or {last}" if others else last
    raise BadArgumentError(f"{name}: expected {expected}, found {brief(value)}")


def _options(hint: Any) -> list[Any]:
    """The types and, of a Literal, the values that a type hint allows."""
    if get_origin(hint) in {Union, UnionType}:
        return [option for part in get_args(hint) for option in _options(part)]
    return list(get_args(hint)) if get_origin(hint) is Literal else [hint]


def size(text: Bytes) -> int | None:
    """Bytes of a size; k, M and G (also kB, KiB, ...) are powers of 1,024. BadArgumentError otherwise."""
    if text is None:
        return None
    match = re.fullmatch(SIZE, str(text).strip().lower(), re.ASCII)
    if not match:
        raise BadArgumentError(f"{text!r}: invalid size; write 256k, 1M or 300000")
    return round(float(re.sub("[,_]", "", match[1]) + (match[2] or "")) * UNITS[match[3]])


def positive(most: int = sys.maxsize, /, **values: int | None) -> None:
    """BadArgumentError for a number outside 1..most; None stands for a parameter that was left out."""
    for name, value in values.items():
        if value is not None and not 1 <= value <= most:
            expected = "1 or more" if value < 1 else f"at most {most:,}"
            raise BadArgumentError(f"{name}: expected {expected}, found {value:,}")
