"""What an export wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eyespot.evaluation.prediction import Threshold
from eyespot.nouns import Noun


@dataclass(frozen=True, kw_only=True, repr=False)
class Exported(Noun):
    """What was written; the C source's arena in bytes; the threshold of an answer, if any; where it was uploaded."""

    folder: Path
    files: tuple[Path, ...]
    arena: int | None = None
    threshold: Threshold | None = None
    url: str | None = None
