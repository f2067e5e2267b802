"""What verbs return: brief where Python prints it, a table in a notebook, plain values for JSON."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sized
from dataclasses import fields, is_dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any, TypeVar

from eyespot.escaping import html

T = TypeVar("T")

LONG = 100  # characters of a field


class _Short(reprlib.Repr):
    def repr_float(self, value: float, _: int) -> str:
        return f"{value:.4g}"


SHORT = _Short()
SHORT.maxstring, SHORT.maxother = 50, LONG + 1


def brief(value: Any) -> str:
    """A value in one short line; a long one by its kind or its number of entries."""
    text = " ".join(SHORT.repr(value).split())
    if len(text) <= LONG:
        return text
    return f"<{len(value)} entries>" if isinstance(value, Sized) else f"<{type(value).__name__}>"


class Noun:
    """Base of the dataclasses that verbs return; give them `repr=False`."""

    def __repr__(self) -> str:
        parts = (f"{name}={brief(value)}" for name, value in _fields(self).items())
        return f"{type(self).__name__}({', '.join(parts)})"

    def as_dict(self) -> dict[str, Any]:
        """All fields, as JSON holds them."""
        return plain(self)

    def _repr_html_(self) -> str:
        rows = (f"<tr><th>{name}</th>{_cell(value)}</tr>" for name, value in _fields(self).items())
        return f"<table>{''.join(rows)}</table>"


class Table(tuple[T, ...]):
    """A tuple of nouns of one kind, shown one on a line."""

    def __repr__(self) -> str:
        return "\n".join(map(repr, self)) or "()"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in _fields(self[0])) if self else ""
        rows = ("".join(map(_cell, _fields(each).values())) for each in self)
        return f"<table>{''.join(f'<tr>{row}</tr>' for row in (head, *rows))}</table>"


def plain(value: Any) -> Any:
    """A noun as JSON holds it, field for field."""
    if is_dataclass(value):
        return {name: plain(each) for name, each in _fields(value).items()}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value.as_posix() if isinstance(value, Path) else value


def _fields(noun: Any) -> dict[str, Any]:
    return {field.name: getattr(noun, field.name) for field in fields(noun)}


def _cell(value: Any) -> str:
    text = shorten(value, 200) if isinstance(value, str) else brief(value)
    return f"<td>{html(text)}</td>"
