"""Evaluations of a model's files: those for its card, and all that the data at hand allow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from eyespot.artifacts import measurements
from eyespot.artifacts.measurements import Accuracy, Evaluation
from eyespot.artifacts.model_folder import FLOAT32, INT8, Artifact, ModelFolder
from eyespot.artifacts.reliability import Reliability
from eyespot.data import catalogue
from eyespot.errors import MissingDataError
from eyespot.evaluation import engine, workers
from eyespot.evaluation.reliability import reliability
from eyespot.evaluation.workers import Workers
from eyespot.preprocessing.damage import DAMAGES, OF_COLOURS
from eyespot.tflite.kernels import Kernels
from eyespot.tflite.run import contract_of
from eyespot.zoo import provenance, registry
from eyespot.zoo.cards import Dataset, Model

NOW = "measured now"
SHIPPED = "shipped measurement; the data set is not at hand"
OTHER = "measured on another build of the same recipe; the data set is not at hand"
RUNS: tuple[tuple[str, Kernels], ...] = ((FLOAT32, "xnnpack"), (INT8, "xnnpack"), (INT8, "reference"))
REFERENCE_WITHIN = 100_000_000  # operations; the reference kernels take hours beyond


def accuracies(folder: ModelFolder, out: Path) -> tuple[Accuracy, ...]:
    """Of each file with trained weights: measured now, else shipped for this file, else of another build.

    What is measured is kept in `out`, where copies of the files are.
    """
    records = [record for record in folder.pair() if not provenance.untrained(record)]
    contract = contract_of(folder.file(INT8))
    try:
        data = catalogue.data_for(folder.path / INT8, contract)
        catalogue.open_split(data, data.test)
    except MissingDataError:
        return tuple(found for record in records if (found := _shipped(record, contract.model)))
    with workers.start() as pool:
        measured = [next(_evaluations(folder, record.file, data, pool)) for record in records]
    for each in measured:
        measurements.keep(each, out)
    return tuple(Accuracy(evaluation=each, origin=NOW) for each in measured)


def sweep(card: Model, folder: ModelFolder, left_out: list[str], cluster: str | None = None) -> Iterator[Evaluation]:
    """Evaluate a model's files on each data set of its classes, int8 also under each damage.

    Why something cannot be evaluated is added to `left_out`.
    """
    with workers.start_on(cluster) as pool:
        for name, kernels in RUNS:
            file, record = folder.file(name), folder.record(name)
            where = f"{card.name}:{file.precision}"
            if record and provenance.untrained(record):
                left_out.append(f"{where}: has stand-in weights, whose accuracy means nothing")
            elif kernels != "reference" or file.operations <= REFERENCE_WITHIN:
                for data in map(registry.dataset, provenance.alike(card.name)):
                    try:
                        yield from _evaluations(folder, name, data, pool, kernels)
                    except MissingDataError as error:
                        left_out.append(f"{where}: {error}")


def reliabilities(folder: ModelFolder, evaluated: Iterable[Evaluation]) -> Iterator[Reliability]:
    """Of each file that was evaluated with LiteRT's own kernels, on the same images."""
    for e in evaluated:
        if e.kernels == "xnnpack" and not e.under:
            yield reliability(folder, folder.file(f"{e.precision}.tflite"), registry.dataset(e.data))


def _evaluations(
    folder: ModelFolder, name: str, data: Dataset, pool: Workers, kernels: Kernels = "xnnpack"
) -> Iterator[Evaluation]:
    file = folder.file(name)
    contract, damaged = contract_of(file), (name, kernels) == (INT8, "xnnpack")
    for under in (None, *DAMAGES) if damaged else (None,):
        if contract.preprocessing.channels == 3 or under not in OF_COLOURS:
            yield engine.evaluate(folder, file, contract, data, data.test, pool=pool, kernels=kernels, under=under)


def _shipped(record: Artifact, model: str) -> Accuracy | None:
    for evaluation in measurements.evaluations(model):
        ours = evaluation.artifact == record.sha256
        if ours and evaluation.kernels == "xnnpack" and not evaluation.under:
            return Accuracy(evaluation=evaluation, origin=SHIPPED)
    if "training_images" in record.facts:
        return None
    other = provenance.accuracy(model, record.file.removesuffix(".tflite"))
    return Accuracy(evaluation=other, origin=OTHER) if other else None
