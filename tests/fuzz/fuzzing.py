"""What fuzz targets share. `python tests/fuzz/fuzzing.py NAME FILE` gives one input to a target.

A target is a file targets/NAME.py with two functions:

    def seeds() -> Iterator[bytes]: ...   # small valid inputs, which mutation starts from
    def one(data: bytes) -> None: ...     # gives an input to a parser; it raises only for a defect

Wrap the call of the parser in `with refusals():`, as a refusal is correct. An input may take `SECONDS` (10)
and `MEMORY` bytes (1 GB), unless the target sets these names. If it has `mutate(data, most, seed)`, that
makes another input of at most so many bytes, or returns None to change bytes; json_mutation.py has one.

Every test run tries the inputs in corpus/NAME, mutates them and fuzzes for a second (in CI for 30 s). For
more, run `make fuzz MINUTES=10` or `python tests/fuzz/run.py NAME --minutes 1`.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType

from eyespot.errors import EyespotError, ToolDiedError

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in (FOLDER / "targets").glob("[!_]*.py"))


def load(name: str) -> ModuleType:
    """The module of a target."""
    return importlib.import_module(f"targets.{name}")


def inputs(name: str) -> Iterator[bytes]:
    """The seeds of a target, then its saved corpus."""
    yield from load(name).seeds()
    yield from (path.read_bytes() for path in sorted((FOLDER / "corpus" / name).glob("*")))


@contextmanager
def refusals() -> Iterator[None]:
    """Accept an EyespotError, unless a tool died or memory ran out."""
    try:
        yield
    except ToolDiedError:
        raise
    except EyespotError as error:
        assert not isinstance(error.__cause__, MemoryError), "it needs more memory than an input may"
        assert str(error).strip(), "an empty message"
        assert len(str(error)) < 2000, f"a message of {len(str(error))} characters"


def file(data: bytes, name: str) -> Path:
    """A file of that name with these bytes, the same one at every call."""
    path = Path(_folder().name) / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


if __name__ == "__main__":
    load(sys.argv[1]).one(Path(sys.argv[2]).read_bytes())
