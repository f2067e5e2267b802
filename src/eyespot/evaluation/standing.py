"""The accuracies that a folder's model card shows."""

from __future__ import annotations

from eyespot.artifacts import measurements
from eyespot.artifacts.measurements import Accuracy
from eyespot.artifacts.model_folder import ModelFolder
from eyespot.artifacts.sidecars import Artifact
from eyespot.data import catalogue
from eyespot.errors import MissingDataError
from eyespot.evaluation import engine
from eyespot.tflite.run import contract_of
from eyespot.zoo import provenance, results

NOW = "measured now"
SHIPPED = "shipped measurement; the data set is not at hand"
OTHER = "measured on another build of the same recipe; the data set is not at hand"


def accuracies(folder: ModelFolder) -> tuple[Accuracy, ...]:
    """Of each file with genuine weights: measured now, else shipped for this file, else of another build."""
    genuine = [record for record in folder.pair() if not provenance.stand_in(record)]
    return tuple(found for record in genuine if (found := _accuracy(folder, record)))


def _accuracy(folder: ModelFolder, record: Artifact) -> Accuracy | None:
    file = folder.file(record.file)
    contract = contract_of(file)
    try:
        data = catalogue.data_for(file.path, contract)
        with engine.workers() as pool:
            evaluation = engine.evaluate(file, contract, data, data.test, pool=pool)
        return Accuracy(evaluation=evaluation, origin=NOW)
    except MissingDataError:
        return _shipped(record, contract.model, file.precision)


def _shipped(record: Artifact, model: str, precision: str) -> Accuracy | None:
    measured = (e for e in measurements.evaluations(model) if e.artifact == record.sha256)
    for evaluation in measured:
        if evaluation.kernels == "xnnpack" and not evaluation.under:
            return Accuracy(evaluation=evaluation, origin=SHIPPED)
    other = None if "training_images" in record.facts else results.accuracy(model, precision)
    return Accuracy(evaluation=other, origin=OTHER) if other else None
