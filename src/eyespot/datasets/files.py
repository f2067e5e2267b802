"""Finding the files of a data set."""

from __future__ import annotations

from pathlib import Path

from eyespot.errors import BadFileError


def holder(source: Path, *names: str) -> Path:
    """The folder that holds all `names`: `source` or one at most two levels below it, the nearest first.

    Archives and users' copies differ in the folders around the data. BadFileError where there is none.
    """
    for pattern in (".", "*", "*/*"):
        for folder in sorted(source.glob(pattern)) if pattern != "." else [source]:
            if all((folder / name).exists() for name in names):
                return folder
    raise BadFileError(f"{source}: expected a folder with {' and '.join(names)} in it, found none")
