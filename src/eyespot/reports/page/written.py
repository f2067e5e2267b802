"""What `report` returns for a page; light, so that the Model List needs none of the rest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eyespot.nouns import Noun


@dataclass(frozen=True, kw_only=True, repr=False)
class Page(Noun):
    """A written page and its size in bytes; `left_out` says what it lacks, and what to do about it."""

    path: Path
    bytes: int
    left_out: tuple[str, ...]
