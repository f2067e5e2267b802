"""What `predict` returns; light, so that it can be shown without numpy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The classes of one image, most probable first, as (name, probability)."""

    file: str
    classes: tuple[tuple[str, float], ...]
