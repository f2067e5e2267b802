"""Text for the terminal."""

from __future__ import annotations

from rich.text import Text

from eyespot.escaping import terminal


def styled(words: str, style: str = "") -> Text:
    """Words, also from outside, as they are: without markup, control characters as escapes."""
    return Text(terminal(words), style)
