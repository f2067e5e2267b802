"""What `verify` returns; light, so that it can be shown without numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eyespot.evaluation.dumps.explanation import Explanation
from eyespot.nouns import Noun

Name = Literal["picture to pixels", "pixels to tensor", "tensor to output"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Stage(Noun):
    """One stage, done by one program on all golden pictures, against the golden vectors.

    `equal`: every value is the same. `close`: the largest difference `most`, in steps, is at most `tolerance`.
    A step is one integer of the tensor, or 1/256 of a float32 probability. `first` is where it differs first.
    """

    stage: Name
    by: str
    status: Literal["equal", "close", "differs", "not run"]
    differing: int = 0
    values: int = 0
    most: float = 0.0
    tolerance: float = 0.0
    first: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True, repr=False)
class Verified(Noun):
    """A file's golden vectors, checked stage by stage; explanations of the board's tensors that differ."""

    file: str
    golden: str
    pictures: int
    stages: tuple[Stage, ...]
    explanations: tuple[Explanation, ...] = ()
