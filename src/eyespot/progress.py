"""Progress on stderr: lines, and bars where it is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TypeVar

from eyespot.escaping import terminal

T = TypeVar("T")


def note(text: str) -> None:
    """Say in a line what is about to happen."""
    print(f"eyespot: {terminal(text)}", file=sys.stderr, flush=True)


def track(items: Iterable[T], total: int | None, title: str) -> Iterable[T]:
    """Pass `items` on, showing how many of `total` (None: unknown) have gone by, and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield from bar.track(items, total=total, description=terminal(title))
