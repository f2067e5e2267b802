"""What training a shipped network cost: the noun, and the files that hold it, in `training` beside the evaluations."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from eyespot.artifacts import measurements
from eyespot.nouns import Noun
from eyespot.quantity import Quantity


@dataclass(frozen=True, kw_only=True, repr=False)
class TrainingCost(Noun):
    """Time and energy of the run that made the weights with this sha256, its teacher's included.

    `time` is in core hours or in GPU hours; `energy`, in Wh, is None where nobody measured it.
    """

    model: str
    weights: str
    machine: str
    time: Quantity
    energy: Quantity | None = None


def training_cost(model: str, weights: Collection[str]) -> TrainingCost | None:
    """That of a model's weights with one of these digests."""
    found = measurements.found(TrainingCost, model, "json", "training")
    return next((each for each in found if each.weights in weights), None)
