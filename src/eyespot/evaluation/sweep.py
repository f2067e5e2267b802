"""All evaluations of a model that the data at hand allow."""

from __future__ import annotations

from collections.abc import Iterator

from eyespot.artifacts.measurements import Evaluation
from eyespot.artifacts.model_folder import FLOAT32, INT8, ModelFolder
from eyespot.errors import MissingDataError
from eyespot.evaluation import engine, workers
from eyespot.isolation import Pool
from eyespot.preprocessing.damage import DAMAGES, OF_COLOURS
from eyespot.tflite.kernels import Kernels
from eyespot.tflite.read import File
from eyespot.tflite.run import contract_of
from eyespot.zoo import provenance, registry
from eyespot.zoo.cards import Dataset, Model
from eyespot.zoo.datasets import DATASETS

RUNS: tuple[tuple[str, Kernels], ...] = ((FLOAT32, "xnnpack"), (INT8, "xnnpack"), (INT8, "reference"))
REFERENCE_WITHIN = 100_000_000  # operations; the reference kernels take hours beyond


def sweep(card: Model, folder: ModelFolder, left_out: list[str]) -> Iterator[Evaluation]:
    """Evaluate a model's files on each data set of its classes, int8 also under each damage.

    Why something cannot be evaluated is added to `left_out`.
    """
    classes = registry.dataset(card.data).classes
    with workers.start() as pool:
        for name, kernels in RUNS:
            file, record = folder.file(name), folder.record(name)
            where = f"{card.name}:{file.precision}"
            if record and provenance.stand_in(record):
                left_out.append(f"{where}: has stand-in weights, whose accuracy means nothing")
            elif kernels != "reference" or file.operations <= REFERENCE_WITHIN:
                for data in (each for each in DATASETS if each.classes == classes):
                    try:
                        yield from _evaluations(file, data, kernels, pool)
                    except MissingDataError as error:
                        left_out.append(f"{where}: {error}")


def _evaluations(file: File, data: Dataset, kernels: Kernels, pool: Pool) -> Iterator[Evaluation]:
    contract, damaged = contract_of(file), (file.precision, kernels) == ("int8", "xnnpack")
    for under in (None, *DAMAGES) if damaged else (None,):
        if contract.preprocessing.channels == 3 or under not in OF_COLOURS:
            yield engine.evaluate(file, contract, data, data.test, pool=pool, kernels=kernels, under=under)
