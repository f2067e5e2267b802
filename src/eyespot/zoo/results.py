"""Which measurements stand for a model: those of its files, on this machine or as we measured them."""

from __future__ import annotations

from typing import get_args

from eyespot.artifacts import measurements
from eyespot.artifacts.measurements import Compatibility, Evaluation
from eyespot.preprocessing.spec import Damage
from eyespot.zoo import provenance, registry


def accuracy(
    model: str, precision: str, data: str | None = None, under: Damage | None = None
) -> Evaluation | None:
    """The user's own measurement or else the shipped one: test split, LiteRT's own kernels.

    On the model's own data set, unless `data` names another; `under` names the damage to its images.
    """
    card, ours = registry.dataset(data or registry.model(model).data), provenance.digests(model, precision)
    parts = (model, precision, card.name, card.test, "xnnpack", *([under] if under else []), "json")
    return next((e for e in measurements.named(".".join(parts)) if e.artifact in ours), None)


def robustness(model: str, data: str) -> dict[Damage, Evaluation]:
    """How accurate an int8 file is on damaged images of a data set, as far as it was measured."""
    measured = {under: accuracy(model, "int8", data, under) for under in get_args(Damage)}
    return {under: evaluation for under, evaluation in measured.items() if evaluation}


def compatibility(model: str) -> tuple[Compatibility, ...]:
    """The findings on a model's int8 file on all devices; () if there are none."""
    ours = provenance.digests(model, "int8")
    return next((c for c in measurements.compatibilities(model) if c and c[0].file in ours), ())
