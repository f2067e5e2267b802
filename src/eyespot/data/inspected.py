"""What `inspect` returns; light, so that it can be shown without numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eyespot.nouns import Noun

Spread = tuple[int, int, int]  # smallest, median, largest


@dataclass(frozen=True, kw_only=True, repr=False)
class Broken(Noun):
    """A file that cannot be read, and why."""

    file: str
    why: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Copies(Noun):
    """Files that show the same picture: `exact`, pixel for pixel, or nearly.

    `parts` and `classes` are all that they are in.
    """

    exact: bool
    files: tuple[str, ...]
    parts: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Doubt(Noun):
    """A label that may be wrong, with its probability to be so, and the class that the picture looks like."""

    file: str
    label: str
    likely: str
    probability: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Inspection(Noun):
    """What a data set holds. `mend` says what to mend, the most important first.

    `counts` are the images of each class in each part ("all" if no part is decided), broken ones included.
    `skipped` are files that are no images. `widths` and `heights` in pixels, upright; `forms` counts formats
    and modes, such as "JPEG RGB". `blank` images have one colour only. `prior` is the accuracy of always
    answering `commonest`, the largest class; `imbalance` is its size over that of the smallest. `doubts` are
    the likeliest first, by the features of the network `features` ("" if labels were not checked). `notes`
    say what was not checked, and why.
    """

    data: str
    images: int
    counts: Mapping[str, Mapping[str, int]]
    skipped: int
    widths: Spread
    heights: Spread
    forms: Mapping[str, int]
    broken: tuple[Broken, ...]
    blank: tuple[str, ...]
    copies: tuple[Copies, ...]
    commonest: str
    prior: float
    imbalance: float
    doubts: tuple[Doubt, ...]
    features: str
    notes: tuple[str, ...]
    mend: tuple[str, ...]
    next: str
