"""How far the three sets of kernels agree on the models' int8 files and test images.

EYESPOT_DATA=... python benchmarks/kernels.py [MODEL ...]   all that are on this machine by default
"""

from __future__ import annotations

import sys
from typing import get_args

import numpy as np

from eyespot.data import catalogue
from eyespot.tflite import run
from eyespot.tflite.kernels import Kernels
from eyespot.tflite.read import read
from eyespot.zoo import registry
from eyespot.zoo.cards import Model
from eyespot.zoo.models import MODELS

DATA = {"imagenet": "imagenet-like"}
IMAGES, FEW = 200, 20  # TFLM takes seconds for an image of a model with more than MANY operations
MANY = 100_000_000


def main(names: list[str]) -> None:
    """Compare every model that is asked for."""
    for card in MODELS:
        if (registry.home(card.name) / "int8.tflite").exists() and (not names or card.name in names):
            compare(card)


def compare(card: Model) -> None:
    """Each pair: share of images with the same top-1, share with bit-equal outputs, largest difference."""
    path = registry.find(card.name)
    file = read(path)
    data = catalogue.dataset(DATA.get(card.data, card.data))
    split = catalogue.open_split(data, data.test)
    encode = run.encoder(file, run.contract_of(file))
    n = FEW if card.operations > MANY else IMAGES
    tensors = np.stack([encode(split.read(i)) for i in range(n)])
    answers = {}
    for kernels in get_args(Kernels):
        answer = run.open_runner(file, kernels)
        answers[kernels] = np.stack([answer(t) for t in tensors])
    for one, other in (("tflm", "reference"), ("xnnpack", "reference"), ("xnnpack", "tflm")):
        a, b = answers[one].astype(int), answers[other].astype(int)
        same, equal = (a.argmax(1) == b.argmax(1)).mean(), (a == b).all(1).mean()
        print(
            f"{card.name}, {n} images of {data.name}, {one} and {other}: top-1 {same:.1%}, "
            f"bit-equal {equal:.1%}, up to {abs(a - b).max()} steps"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
