"""measure: everything that the data at hand allows, anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eyespot.artifacts import measurements
from eyespot.artifacts.measurements import Compatibility, Evaluation
from eyespot.data import catalogue
from eyespot.devices import devices
from eyespot.devices.host import HostMeasurements
from eyespot.devices.verdicts import check_file
from eyespot.errors import MissingDataError
from eyespot.preprocessing.damage import DAMAGES, OF_COLOURS
from eyespot.tflite.kernels import Kernels
from eyespot.tflite.read import read
from eyespot.verbs.evaluate import evaluate
from eyespot.zoo import provenance, registry
from eyespot.zoo.cards import Dataset, Model
from eyespot.zoo.datasets import DATASETS
from eyespot.zoo.models import MODELS

RUNS: tuple[tuple[str, Kernels], ...] = (("float32", "xnnpack"), ("int8", "xnnpack"), ("int8", "reference"))
REFERENCE_WITHIN = 100_000_000  # operations; the reference kernels take hours beyond


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured and where it was written; what could not be, and why."""

    folder: Path
    evaluations: tuple[Evaluation, ...]
    compatibility: tuple[Compatibility, ...]
    left_out: tuple[str, ...]


def measure(model: str | None = None, *, out: Path | None = None) -> Measured:
    """Measure the models' files again, on every data set at hand and for every device.

    Models that are built on this machine (`eyespot make MODEL`) are measured with those that ship.

    Example: eyespot measure tiny-resnet

    Parameters
    ----------
    model
        One model; all of them by default.
    out
        Folder for the results; $EYESPOT_DATA/results by default.
    """
    folder = out or measurements.own()
    found: list[Evaluation] = []
    compatibility: list[Compatibility] = []
    left_out: list[str] = []
    for card in [registry.model(model)] if model else MODELS:
        if not (registry.home(card.name) / "int8.tflite").exists():
            left_out.append(f"{card.name}: is not built; eyespot make {card.name}")
            continue
        compatibility += _check(card, folder)
        found += _evaluate(card, folder, left_out)
    return Measured(
        folder=folder,
        evaluations=tuple(found),
        compatibility=tuple(compatibility),
        left_out=tuple(left_out),
    )


def _evaluate(card: Model, folder: Path, left_out: list[str]) -> Iterator[Evaluation]:
    """Evaluate both files on each data set of their classes; note what is not at hand."""
    for precision, kernels in RUNS:
        record = provenance.record(card.name, precision)
        if record and provenance.stand_in(record):
            left_out.append(
                f"{card.name}:{precision}: made of stand-in weights, whose accuracy means nothing"
            )
            continue
        if kernels == "reference" and card.operations > REFERENCE_WITHIN:
            continue
        for data in _data_sets(card):
            try:
                made = evaluate(f"{card.name}:{precision}", data=data.name, kernels=kernels)
            except MissingDataError as error:
                left_out.append(f"{card.name}:{precision}: {error}")
            else:
                measurements.save(made, folder)
                yield made
                if (precision, kernels) == ("int8", "xnnpack"):
                    yield from _robustness(card, data, folder)


def _robustness(card: Model, data: Dataset, folder: Path) -> Iterator[Evaluation]:
    """The int8 file on damaged images."""
    for under in DAMAGES:
        if card.preprocessing.channels == 3 or under not in OF_COLOURS:
            made = evaluate(card.name, data=data.name, under=under)
            measurements.save(made, folder)
            yield made


def _data_sets(card: Model) -> list[Dataset]:
    """The model's own data set and others with the same classes."""
    return [data for data in DATASETS if data.classes == catalogue.dataset(card.data).classes]


def _check(card: Model, folder: Path) -> tuple[Compatibility, ...]:
    file = read(registry.home(card.name) / "int8.tflite")
    found = check_file(HostMeasurements(file=file), devices())
    measurements.save_devices(card.name, found, folder)
    return found
