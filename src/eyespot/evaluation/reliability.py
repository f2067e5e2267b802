"""The calibration error of a file on test images, before and after a temperature from validation images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts.model_folder import ModelFolder, tools
from eyespot.artifacts.reliability import Fitted, Reliability
from eyespot.data import catalogue
from eyespot.data.split import Split, data_digest, image_digest, without
from eyespot.data.used import Used, refuse_overlap, used_images
from eyespot.errors import MissingDataError
from eyespot.evaluation.confidence import calibrated, fit, floor
from eyespot.evaluation.engine import check_classes
from eyespot.evaluation.predict import run
from eyespot.preprocessing.spec import Confidence
from eyespot.progress import track
from eyespot.tflite.kernels import PACKAGES
from eyespot.tflite.read import File
from eyespot.tflite.run import checked, contract_of, encoder, to_float
from eyespot.zoo.cards import Dataset

BINS = 15
VALIDATION = "validation"

Shares = NDArray[np.float32]


def reliability(folder: ModelFolder, file: File, data: Dataset) -> Reliability:
    """Measure a file on the test split of a data set. Errors as `engine.evaluate`.

    The temperature is the file's own, or is fitted on the validation images that neither test nor made the file. It is
    not fitted for a file whose training images are unknown: published weights may have learned our validation images.
    """
    contract, test = contract_of(file), catalogue.open_split(data, data.test)
    check_classes(contract, test)
    digests = [image_digest(image) for image in track(test, len(test), "test images")]
    used = used_images(folder, file)
    refuse_overlap(file, used, test, digests)
    shares = outputs(file, test)
    return Reliability(
        model=contract.model, precision=file.precision, artifact=file.sha256, data=test.data, split=test.name,
        data_digest=data_digest(test.labels, digests), n=len(test), error=_error(shares, test.labels),
        fitted=_fitted(file, data, shares, test.labels, set(digests), used), tools=tools(PACKAGES["xnnpack"]),
        command=f"eyespot measure {contract.model}",
    )  # fmt: skip


def calibration_error(confidences: NDArray[Any], right: NDArray[np.bool_]) -> float:
    """The mean distance of accuracy and confidence in each bin, weighted by its images."""
    bins = np.minimum((confidences * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, right - confidences.astype(np.float64), BINS)
    return float(np.abs(gaps).sum() / len(right))


def _error(shares: NDArray[Any], labels: NDArray[np.int64]) -> float:
    return calibration_error(shares.max(1), shares.argmax(1) == labels)


def outputs(file: File, split: Split) -> Shares:
    """The probabilities that a file gives to the images of a split, (n, classes)."""
    contract = contract_of(file)
    encode, classes = encoder(file, contract), len(contract.classes)
    answers = run(file, (encode(image) for image in track(split, len(split), f"{file.path.name}: {split.name}")))
    return np.stack([to_float(checked(file, each, classes), file.output, logits=contract.logits) for each in answers])


def _fitted(
    file: File, data: Dataset, shares: Shares, labels: NDArray[np.int64], tests: set[bytes], used: Used
) -> Fitted | None:
    least, confidence = floor(file.output, contract_of(file)), _confidence(file, data, tests, used)
    if confidence is None:
        return None
    error = _error(calibrated(shares, confidence.temperature, least), labels)
    n = confidence.rows[0].answered
    return Fitted(temperature=confidence.temperature, split=VALIDATION, n=n, error=error)


def _confidence(file: File, data: Dataset, tests: set[bytes], used: Used) -> Confidence | None:
    """The file's own, or else one that is fitted now; None without validation images that did not train it."""
    contract = contract_of(file)
    if contract.confidence or VALIDATION not in data.splits or used.trained is None:
        return contract.confidence
    try:
        split = catalogue.open_split(data, VALIDATION)
    except MissingDataError:
        return None
    chosen = without(split, tests | used.images.keys())
    return fit(outputs(file, chosen), chosen.labels, floor(file.output, contract)) if len(chosen) else None
