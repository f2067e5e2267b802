"""measure: everything that the data at hand allows, anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eyespot.arguments import verb
from eyespot.artifacts import measurements, reliability
from eyespot.artifacts.lock import held
from eyespot.artifacts.measurements import Compatibility, Evaluation
from eyespot.artifacts.model_folder import INT8, ModelFolder
from eyespot.artifacts.reliability import Reliability
from eyespot.devices import devices
from eyespot.devices.host import HostMeasurements
from eyespot.devices.verdicts import check_file
from eyespot.evaluation.model_files import reliabilities, sweep
from eyespot.nouns import Noun
from eyespot.zoo import registry
from eyespot.zoo.models import MODELS


@dataclass(frozen=True, kw_only=True, repr=False)
class Measured(Noun):
    """What was measured and where it was written; what could not be, and why."""

    folder: Path
    evaluations: tuple[Evaluation, ...]
    reliabilities: tuple[Reliability, ...]
    compatibility: tuple[Compatibility, ...]
    left_out: tuple[str, ...]


@verb
def measure(model: str | None = None, *, out: Path | None = None, cluster: str | None = None) -> Measured:
    """Measure the models again, on all data at hand and every device.

    Of each file: top-1, also on damaged images, and the calibration error of its confidences.

    Models that are built on this machine (`eyespot make MODEL`) are measured with those that ship.

    Example: eyespot measure tiny-resnet

    Args:
        model: One model; all of them by default.
        out: Folder for the results; $EYESPOT_DATA/results by default.
        cluster: Run on all cores of this Ray cluster: auto for the one that this machine is in, or its HOST:PORT.
    """
    folder = out or measurements.own()
    evaluations: list[Evaluation] = []
    calibrated: list[Reliability] = []
    compatibility: list[Compatibility] = []
    left_out: list[str] = []
    with held(folder):
        for card in [registry.model(model)] if model else MODELS:
            source = ModelFolder(registry.home(card.name))
            if not (source.path / INT8).exists():
                left_out.append(f"{card.name}: is not built; eyespot make {card.name}")
                continue
            checked = check_file(HostMeasurements(file=source.file(INT8)), devices())
            measurements.save_devices(card.name, checked, folder)
            compatibility += checked
            evaluated = []
            for evaluation in sweep(card, source, left_out, cluster):
                measurements.save(evaluation, folder)
                evaluated.append(evaluation)
            evaluations += evaluated
            for found in reliabilities(source, evaluated):
                reliability.save(found, folder)
                calibrated.append(found)
    return Measured(
        folder=folder, evaluations=tuple(evaluations), reliabilities=tuple(calibrated),
        compatibility=tuple(compatibility), left_out=tuple(left_out),
    )  # fmt: skip
