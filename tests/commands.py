"""Commands in this process, as the shell would start them."""

from __future__ import annotations

from typing import Any

from eyespot.cli import main


def run(capsys: Any, *words: object) -> tuple[int, str, str]:
    """The exit code of `eyespot WORDS`, its output and its errors."""
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def fails(capsys: Any, *words: object) -> str:
    """The one line that a command fails with."""
    code, out, err = run(capsys, *words)
    assert (code, out) == (1, "")
    assert err.startswith("eyespot: ")
    assert err.count("\n") == 1
    return err
