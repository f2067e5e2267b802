"""What `predict` returns; light, so that it can be shown without numpy."""

from __future__ import annotations

from dataclasses import dataclass

from eyespot.nouns import Noun


@dataclass(frozen=True, kw_only=True, repr=False)
class Threshold(Noun):
    """The least probability of an answer, 0 to 1.

    If it was chosen for a precision: on `n` validation images, `answered` of them (a share `coverage`) were answered,
    a share `precision` of these correctly, with the 95 % interval `low` to `high` (Wilson).
    """

    confidence: float
    precision: float | None = None
    low: float | None = None
    high: float | None = None
    answered: int | None = None
    coverage: float | None = None
    n: int | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Prediction(Noun):
    """The classes of one image, most probable first, as (name, probability).

    `source` is its file, or "image 0" for the first of the images that are no files. `answer` is the first class,
    or None for "none of these" if its probability is below the `threshold`.
    """

    source: str
    answer: str | None
    classes: tuple[tuple[str, float], ...]
    threshold: Threshold | None = None
