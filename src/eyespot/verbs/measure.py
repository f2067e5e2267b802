"""measure: everything that the data at hand allows, anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eyespot import registry, results
from eyespot.cards import Compatibility, Evaluation, Kernels, Model
from eyespot.errors import MissingDataError
from eyespot.models import MODELS
from eyespot.verbs.check import check
from eyespot.verbs.evaluate import evaluate

RUNS: tuple[tuple[str, Kernels], ...] = (("float32", "xnnpack"), ("int8", "xnnpack"), ("int8", "reference"))


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured and where it was written; what could not be, and why."""

    folder: Path
    evaluations: tuple[Evaluation, ...]
    compatibility: tuple[Compatibility, ...]
    left_out: tuple[str, ...]


def measure(model: str | None = None, *, out: Path | None = None) -> Measured:
    """Measure the shipped files again, on every data set at hand and for every device.

    Example: eyespot measure tiny-resnet

    Parameters
    ----------
    model
        One model; all of them by default.
    out
        Folder for the results; $EYESPOT_DATA/results by default.
    """
    folder = out or results.own()
    cards = [registry.model(model)] if model else [m for m in MODELS if (registry.ZOO / m.name).is_dir()]
    found: list[Evaluation] = []
    left_out: list[str] = []
    for card in cards:
        try:
            found += _evaluate(card, folder)
        except MissingDataError as error:
            left_out.append(f"{card.name}: {error}")
    devices = [_check(card, folder) for card in cards]
    return Measured(
        folder=folder,
        evaluations=tuple(found),
        compatibility=tuple(c for each in devices for c in each),
        left_out=tuple(left_out),
    )


def _evaluate(card: Model, folder: Path) -> list[Evaluation]:
    made = [evaluate(f"{card.name}:{precision}", kernels=kernels) for precision, kernels in RUNS]
    for evaluation in made:
        results.save(evaluation, folder)
    return made


def _check(card: Model, folder: Path) -> tuple[Compatibility, ...]:
    found = check(card.name)
    results.save_devices(card.name, found, folder)
    return found
