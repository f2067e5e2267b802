"""Text for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from eyespot.escaping import terminal

Cells = Sequence[str | Text]


def styled(words: str, style: str = "") -> Text:
    """Words, also from outside, as they are: without markup, control characters as escapes."""
    return Text(terminal(words), style)


def table(*columns: str, rows: Iterable[Cells]) -> Table:
    """A table of texts that are ours, and of strings, which are shown as they are."""
    made = Table(box=None, header_style="bold", pad_edge=False, show_header=any(columns))
    for place, column in enumerate(columns):
        made.add_column(column, overflow="fold", no_wrap=place == 0)
    for row in rows:
        made.add_row(*(terminal(cell) if isinstance(cell, str) else cell for cell in row))
    return made
