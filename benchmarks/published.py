"""Models built from published weights, against their source files: top-1 and agreement, n and kernels.

    EYESPOT_DATA=... python benchmarks/published.py [MODEL ...]

On 200 photographs with ImageNet labels (not ImageNet accuracy) or visual wake words' 1,000 test images.
Build the models first: eyespot make MODEL --calibration imagenet-like (stand-ins: with --weights).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts import places
from eyespot.data import catalogue
from eyespot.evaluation import engine, workers
from eyespot.preprocessing.spec import Contract
from eyespot.quantity import wilson
from eyespot.tflite import run
from eyespot.tflite.read import read
from eyespot.zoo import provenance, registry
from eyespot.zoo.cards import Model
from eyespot.zoo.models import MODELS

DATA = {"imagenet": "imagenet-like", "vww": "vww"}


def predicted(path: Path, contract: Contract, data: str, n: int) -> NDArray[Any]:
    """Class of each test image, as a file of ours gives it."""
    with workers.start() as pool:
        job = engine.prepare(read(path), contract, catalogue.dataset(data), "test")
        return engine.collect(engine.classify(job, n, pool))[0][:, 0]


def published(card: Model, path: Path, data: str) -> NDArray[Any]:
    """The same as the publisher's own file gives it, ImageNet's background left out."""
    file = read(path)
    split = catalogue.open_split(catalogue.dataset(data), "test")
    encode, answer = run.encoder(file, registry.contract(card.name)), run.open_runner(file, "xnnpack")
    classes = len(split.classes)
    return np.array([answer(encode(image))[-classes:].argmax() for image in split])


def main(names: list[str]) -> None:
    """One line for each file of each model."""
    for card in MODELS:
        folder = places.data_root() / "models" / card.name
        if card.data not in DATA or not folder.exists() or (names and card.name not in names):
            continue
        data = DATA[card.data]
        labels = catalogue.open_split(catalogue.dataset(data), "test").labels
        contract = registry.contract(card.name)
        found = {p: predicted(folder / f"{p}.tflite", contract, data, len(labels)) for p in ("float32", "int8")}
        record = provenance.record(card.name, "float32")
        weights = record.arguments["weights"] if record else ""
        source = next((w.file for w in card.weights if w.name == weights and w.file.endswith(".tflite")), None)
        if source:
            path = places.data_root() / "published" / source
            found["source"] = published(card, path, data)
        for name, classes in found.items():
            correct = int((classes == labels).sum())
            low, high = wilson(correct, len(labels))
            top1 = f"{correct / len(labels):.4f} [{low:.3f}, {high:.3f}], n = {len(labels):,}"
            agrees = 100 * (classes == found["float32"]).mean()
            print(f"{card.name:18} {name:8} {top1}, same as float32 {agrees:.1f} % (weights: {weights}, {data})")


if __name__ == "__main__":
    main(sys.argv[1:])
