"""What a temperature and a threshold from validation images are worth on test images.

    EYESPOT_DATA=... python benchmarks/confidence.py [MODEL ...]

Prints rows of docs/confidence.md: the expected calibration error (15 bins of equal width; Guo et al., ICML 2017) and
the mean negative log-likelihood before and after, for wanted precisions what was chosen and what came of it, and how
many pictures of other things are answered then. The intervals are of 95 %: the basic bootstrap's for errors, Wilson's
for shares.
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.data import catalogue
from eyespot.data.split import Split, image_digests, without
from eyespot.errors import RefusedError
from eyespot.evaluation.confidence import calibrated, choose, fit, floor, probabilities
from eyespot.evaluation.predict import run
from eyespot.evaluation.reliability import calibration_error
from eyespot.preprocessing.spec import Confidence, Contract
from eyespot.progress import track
from eyespot.quantity import wilson
from eyespot.tflite.read import File
from eyespot.tflite.run import contract_of, encoder, to_float
from eyespot.zoo import registry

MODELS = [f"{model}:{precision}" for model in ("tiny-resnet", "deepface-emotion") for precision in ("float32", "int8")]
REPEATS = 1000
OTHERS = {"cifar-10": "fer2013", "fer2013": "cifar-10"}  # test images of which none shows what a model knows
PRECISIONS = (0.8, 0.9, 0.95, 0.98)

Outputs = tuple[NDArray[Any], NDArray[np.int64]]


def outputs(file: File, contract: Contract, split: Split) -> Outputs:
    """What a file answers to a split, as stored (n, classes), and the labels."""
    encode = encoder(file, contract)
    answers = run(file, (encode(image) for image in split))
    return np.stack(list(track(answers, len(split), f"{file.path.name}: {split.name}"))), split.labels


def errors(shares: NDArray[Any], labels: NDArray[np.int64], least: float) -> str:
    """The calibration error with its interval, and the negative log-likelihood."""
    confidences, right = shares.max(1), shares.argmax(1) == labels
    chance = np.random.default_rng(0)
    drawn = (chance.integers(0, len(labels), len(labels)) for _ in range(REPEATS))
    found = calibration_error(confidences, right)
    drawn_high, drawn_low = np.quantile([calibration_error(confidences[i], right[i]) for i in drawn], (0.975, 0.025))
    low, high = max(0.0, 2 * found - drawn_high), 2 * found - drawn_low  # samples of samples have larger errors
    loss = -np.log(np.maximum(shares[np.arange(len(labels)), labels], least)).mean()
    return f"{found:.4f} [{low:.4f}, {high:.4f}] | {loss:.4f}"


def thresholds(name: str, file: File, contract: Contract, test: Outputs) -> None:
    """A row for each wanted precision."""
    shares = probabilities(test[0], file.output, contract)
    for wanted in PRECISIONS:
        try:
            chosen = choose(contract, file.path, precision=wanted)
        except RefusedError as error:
            print(f"| {name} | {wanted} | {str(error).partition('found ')[2].partition(')')[0]}) | | |")
            continue
        assert chosen is not None
        assert chosen.coverage is not None
        answered = shares.max(1) >= np.float32(chosen.confidence)
        correct = int((shares.argmax(1) == test[1])[answered].sum())
        low, high = wilson(correct, int(answered.sum()))
        print(
            f"| {name} | {wanted} | {chosen.confidence:.4f}, {chosen.precision:.3f}, {100 * chosen.coverage:.0f} % "
            f"| {correct / answered.sum():.4f} [{low:.3f}, {high:.3f}], n = {answered.sum():,} "
            f"| {100 * answered.mean():.0f} % |"
        )


def others(name: str, file: File, contract: Contract) -> None:
    """A row for each wanted precision that can be reached."""
    own = catalogue.data_for(file.path, contract).name
    if own not in OTHERS:
        return
    data = catalogue.dataset(OTHERS[own])
    shares = probabilities(outputs(file, contract, catalogue.open_split(data, data.test))[0], file.output, contract)
    for wanted in PRECISIONS:
        with contextlib.suppress(RefusedError):
            chosen = choose(contract, file.path, precision=wanted)
            assert chosen is not None
            answered, n = int((shares.max(1) >= np.float32(chosen.confidence)).sum()), len(shares)
            low, high = wilson(answered, n)
            print(f"| {name} | {wanted} | {data.title} | {answered / n:.3f} [{low:.3f}, {high:.3f}], n = {n:,} |")


def measure(name: str) -> tuple[File, Contract, Outputs]:
    """A row of the first table; the file, its contract with the confidence, and its outputs for test images."""
    _, file = registry.open_model(name)
    contract = contract_of(file)
    data = catalogue.data_for(file.path, contract)
    tests = catalogue.open_split(data, data.test)
    unseen = without(catalogue.open_split(data, "validation"), image_digests(tests, data.test))
    (validation, labels), test = (outputs(file, contract, split) for split in (unseen, tests))
    least = floor(file.output, contract)
    confidence: Confidence = fit(to_float(validation, file.output), labels, least)
    raw, found = to_float(test[0], file.output), confidence.temperature
    before, after = errors(raw, test[1], least), errors(calibrated(raw, found, least), test[1], least)
    print(f"| {name} | {len(labels):,} | {found:g} | {len(test[1]):,} | {before} | {after} |", flush=True)
    return file, replace(contract, confidence=confidence), test


def main(names: list[str]) -> None:
    """Print the tables."""
    print("| File | n validation | Temperature | n test | ECE before | NLL before | ECE after | NLL after |")
    print("|---|---|---|---|---|---|---|---|")
    measured = {name: measure(name) for name in names}
    print("\n| File | Wanted | Chosen: confidence, precision, answered | Precision on test images | Answered |")
    print("|---|---|---|---|---|")
    for name, found in measured.items():
        thresholds(name, *found)
    print("\n| File | Wanted | Pictures of other things | Answered |\n|---|---|---|---|")
    for name, (file, contract, _) in measured.items():
        others(name, file, contract)


if __name__ == "__main__":
    main(sys.argv[1:] or MODELS)
