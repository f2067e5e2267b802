"""Counts which files are opened, by an audit hook."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

# As a sitecustomize module it is imported by every Python process.
HOOK = """
import os, sys
log = os.open(os.environ["OPENS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def note(event, args):
    if event == "open" and isinstance(args[0], (str, os.PathLike)):
        os.write(log, os.fsencode(args[0]) + b"\\n")
sys.addaudithook(note)
"""

_seen: list[list[str]] = []  # by those who count at the moment


def _note(event: str, args: tuple[object, ...]) -> None:
    if _seen and event == "open" and isinstance(args[0], str | os.PathLike):
        _seen[-1].append(os.fspath(args[0]))


def _under(folder: Path, paths: Iterable[str]) -> Counter[str]:
    found = (Path(path) for path in paths)
    return Counter(path.relative_to(folder).as_posix() for path in found if path.is_relative_to(folder))


@contextlib.contextmanager
def counting(folder: Path) -> Iterator[Counter[str]]:
    """How often this process opens each file under `folder`, known when the block has ended."""
    if not hasattr(sys, "counts_opens"):
        sys.counts_opens = True  # a hook cannot be removed, so there is one
        sys.addaudithook(_note)
    counts: Counter[str] = Counter()
    _seen.append([])
    try:
        yield counts
    finally:
        counts.update(_under(folder, _seen.pop()))


def opens(folder: Path, place: Path, *words: str) -> Counter[str]:
    """How often `python WORDS` and its workers open each file under `folder`; `place` is a new folder."""
    place.mkdir()
    (place / "sitecustomize.py").write_text(HOOK)
    environment = {
        **os.environ, "OPENS": str(place / "opens"), "PYTHONPATH": os.pathsep.join([str(place), *sys.path])
    }  # fmt: skip
    done = subprocess.run([sys.executable, *words], check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return _under(folder, (place / "opens").read_text(errors="replace").split("\n"))
