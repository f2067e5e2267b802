"""Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; bars within cells are escaped, line breaks become <br>."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def megabytes(size: int | None) -> str:
    """As NXP's page gives sizes: 1 MB is a million bytes."""
    return "not built" if size is None else f"{size / 1e6:.3f} MB"


def share(value: float, low: float, high: float, n: int) -> str:
    """An accuracy with its 95 % interval and the number of images."""
    return f"{value:.4f} [{low:.3f}, {high:.3f}], n = {n:,}"
