"""The accuracies that a folder's model card shows."""

from __future__ import annotations

from eyespot.artifacts import measurements
from eyespot.artifacts.measurements import Accuracy
from eyespot.artifacts.model_folder import ModelFolder
from eyespot.artifacts.sidecars import Artifact
from eyespot.data import catalogue
from eyespot.errors import MissingDataError
from eyespot.evaluation import engine, workers
from eyespot.tflite.run import contract_of
from eyespot.zoo import provenance, results

NOW = "measured now"
SHIPPED = "shipped measurement; the data set is not at hand"
OTHER = "measured on another build of the same recipe; the data set is not at hand"


def accuracies(folder: ModelFolder) -> tuple[Accuracy, ...]:
    """Of each file with genuine weights: measured now, else shipped for this file, else of another build."""
    genuine = [record for record in folder.pair() if not provenance.stand_in(record)]
    if not genuine:
        return ()
    file = folder.file(genuine[0].file)
    contract = contract_of(file)
    try:
        data = catalogue.data_for(file.path, contract)
        catalogue.open_split(data, data.test)
    except MissingDataError:
        return tuple(found for record in genuine if (found := _shipped(record, contract.model)))
    with workers.start() as pool:
        files = [folder.file(record.file) for record in genuine]
        measured = [engine.evaluate(each, contract_of(each), data, data.test, pool=pool) for each in files]
    return tuple(Accuracy(evaluation=each, origin=NOW) for each in measured)


def _shipped(record: Artifact, model: str) -> Accuracy | None:
    measured = measurements.of_file(model, record.sha256)
    for evaluation in measured:
        if evaluation.kernels == "xnnpack" and not evaluation.under:
            return Accuracy(evaluation=evaluation, origin=SHIPPED)
    other = (
        None
        if "training_images" in record.facts
        else results.accuracy(model, record.file.removesuffix(".tflite"))
    )
    return Accuracy(evaluation=other, origin=OTHER) if other else None
