"""What int8 costs: the float32 and the int8 file on the same images, never on test images."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyespot import isolation
from eyespot.artifacts.measurements import Subset
from eyespot.data import catalogue
from eyespot.data.split import image_digests
from eyespot.errors import MissingDataError
from eyespot.evaluation import engine, workers
from eyespot.evaluation.metrics import gain, subset
from eyespot.nouns import Noun
from eyespot.progress import track
from eyespot.quantity import Count, Share
from eyespot.quantization.calibration import LIMITS, Chosen
from eyespot.tflite import run as running
from eyespot.tflite.kernels import Content
from eyespot.tflite.read import File, parse
from eyespot.zoo.cards import Dataset

VALIDATION = "validation"


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison(Noun):
    """Top-1 of a float32 and an int8 file on the same n images, and the difference, int8 minus float32.

    `low` and `high` bound the difference's 95 % interval (paired); both files give `same` images the same class.
    """

    data: str
    split: str
    n: Count
    float32: Subset
    int8: Subset
    difference: float
    low: float
    high: float
    same: Share


@dataclass(frozen=True, kw_only=True)
class Validation:
    """Validation images that no other split has: their labels, digests, and the classes that float32 gives them.

    Files are run on all cores of the `cluster`, or here if it is None.
    """

    data: Dataset
    labels: NDArray[np.int64]
    digests: Sequence[bytes]
    tests: Container[bytes]
    float32: NDArray[np.int64]
    cluster: str | None

    def compare(self, int8: File, calibrated: Container[bytes]) -> Comparison:
        """Compare an int8 file on those that did not calibrate it. MissingDataError if none is left."""
        kept = [i for i, each in enumerate(self.digests) if each not in self.tests and each not in calibrated]
        if not kept:
            raise MissingDataError(f"{self.data.name}: all validation images are also test or calibration images")
        answers, _ = _classified(int8, self.data, len(self.labels), self.cluster)
        name = Path(self.data.name).name  # of a user's folder without its path
        return _compared(name, VALIDATION, self.labels[kept], self.float32[kept], answers[kept])


def open_validation(float32: File, calibrating: Dataset, cluster: str | None) -> Validation:
    """The validation images of the data that calibrates, or else of the file's own.

    MissingDataError if there are none, RefusedError if they have other classes.
    """
    contract = running.contract_of(float32)
    has = VALIDATION in calibrating.splits
    data = calibrating if has else catalogue.data_for(float32.path, contract, None, VALIDATION)
    if VALIDATION not in data.splits:
        raise MissingDataError(f"{data.name} has no validation images")
    split, tests = (catalogue.open_split(data, name) for name in (VALIDATION, data.test))
    engine.check_classes(contract, split)
    answers, digests = _classified(float32, data, len(split), cluster)
    held_out = image_digests(tests, data.test)
    return Validation(data=data, labels=split.labels, digests=digests, tests=held_out, float32=answers, cluster=cluster)


def compare_calibration(float32: File, int8: File, chosen: Chosen) -> Comparison | None:
    """Compare both files on the images that calibrated; None if their classes are not known.

    The network has learned these images, so the accuracies are high. The difference is what counts.
    """
    if chosen.classes != running.contract_of(float32).classes:
        return None
    answers = (isolation.run(_classes, each.content, chosen.pixels, **LIMITS) for each in (float32, int8))
    return _compared(chosen.data, chosen.split, chosen.labels, *answers)


def _classified(file: File, data: Dataset, images: int, cluster: str | None) -> tuple[NDArray[np.int64], list[bytes]]:
    """The class of each validation image, and its digest."""
    with workers.start_on(cluster) as pool:
        job = engine.prepare(file, running.contract_of(file), data, VALIDATION)
        ranked, digests, _ = engine.collect(engine.classify(job, images, pool))
    return ranked[:, 0], digests


def _classes(file: Content, pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The class that a file gives to each image (n, h, w, c)."""
    parsed, run = parse(file.data, file.path), running.open_runner(file, "xnnpack")
    tensors = running.stored(pixels, running.contract_of(parsed).preprocessing, parsed.input)
    return np.array([run(tensor).argmax() for tensor in track(tensors, len(tensors), f"compare {file.path.name}")])


def _compared(
    data: str, split: str, labels: NDArray[np.int64], float32: NDArray[np.int64], int8: NDArray[np.int64]
) -> Comparison:
    before, after = float32 == labels, int8 == labels
    difference, low, high = gain(after, before)
    return Comparison(
        data=data, split=split, n=len(labels), float32=subset(before), int8=subset(after),
        difference=difference, low=low, high=high, same=float((float32 == int8).mean()),
    )  # fmt: skip
