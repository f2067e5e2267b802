"""Counts which files a command opens, its worker processes included."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

HOOK = """
import os, sys
log = os.open(os.environ["OPENS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def note(event, args):
    if event == "open" and isinstance(args[0], (str, os.PathLike)):
        os.write(log, os.fsencode(args[0]) + b"\\n")
sys.addaudithook(note)
"""


def opens(folder: Path, place: Path, *words: str) -> Counter[str]:
    """How often `python WORDS` opens each file under `folder`; `place` is an empty folder to work in."""
    place.mkdir()
    (place / "sitecustomize.py").write_text(HOOK)  # which every Python process imports
    paths = [str(place), str(Path(__file__).parent), *sys.path]
    environment = {**os.environ, "OPENS": str(place / "opens"), "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, *words], check=False, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    paths = [Path(line) for line in (place / "opens").read_text(errors="replace").split("\n")]
    return Counter(path.relative_to(folder).as_posix() for path in paths if path.is_relative_to(folder))
