"""Which measurement stands for a model."""

from __future__ import annotations

from typing import get_args

from eyespot.artifacts import measurements
from eyespot.artifacts.measurements import Evaluation
from eyespot.preprocessing.spec import Damage
from eyespot.zoo import registry


def accuracy(model: str, precision: str, data: str | None = None) -> Evaluation | None:
    """The measurement that stands for a model: on its own data's test split, with LiteRT's own kernels."""
    card = registry.dataset(data or registry.model(model).data)
    name = f"{model}.{precision}.{card.name}.{card.test}.xnnpack.json"  # others are not even read
    return measurements.first(name)


def robustness(model: str, data: str) -> dict[Damage, Evaluation]:
    """How an int8 file does on damaged images of a data set's test split, as far as it was measured."""
    card = registry.dataset(data)
    names = {each: f"{model}.int8.{card.name}.{card.test}.xnnpack.{each}.json" for each in get_args(Damage)}
    return {each: found for each, name in names.items() if (found := measurements.first(name))}
