"""Which measurements stand for a model: those of its files, on this machine or as we measured them."""

from __future__ import annotations

from typing import get_args

from eyespot.artifacts import measurements
from eyespot.artifacts.measurements import Compatibility, Evaluation
from eyespot.preprocessing.spec import Damage
from eyespot.zoo import provenance, registry


def accuracy(model: str, precision: str, data: str | None = None) -> Evaluation | None:
    """The measurement that stands for a model: on its own data's test split, with LiteRT's own kernels."""
    card = registry.dataset(data or registry.model(model).data)
    name = f"{model}.{precision}.{card.name}.{card.test}.xnnpack.json"  # others are not even read
    return _standing(model, precision, name)


def robustness(model: str, data: str) -> dict[Damage, Evaluation]:
    """How an int8 file does on damaged images of a data set's test split, as far as it was measured."""
    card = registry.dataset(data)
    names = {each: f"{model}.int8.{card.name}.{card.test}.xnnpack.{each}.json" for each in get_args(Damage)}
    return {each: found for each, name in names.items() if (found := _standing(model, "int8", name))}


def compatibility(model: str) -> tuple[Compatibility, ...]:
    """What was found of a model's int8 file on the devices; () where nothing was."""
    ours = provenance.digests(model, "int8")
    return next((c for c in measurements.compatibilities(model) if c and c[0].file in ours), ())


def _standing(model: str, precision: str, name: str) -> Evaluation | None:
    """The user's own measurement in the file of that name, or else the shipped one."""
    ours = provenance.digests(model, precision)
    return next((e for e in measurements.named(name) if e.artifact in ours), None)
