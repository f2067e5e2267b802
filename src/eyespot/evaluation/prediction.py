"""What `predict` returns; light, so that it can be shown without numpy."""

from __future__ import annotations

from dataclasses import dataclass

from eyespot.nouns import Noun


@dataclass(frozen=True, kw_only=True, repr=False)
class Prediction(Noun):
    """The classes of one image, most probable first, as (name, probability).

    `source` is its file, or "image 0" for the first of the images that are no files.
    """

    source: str
    classes: tuple[tuple[str, float], ...]
