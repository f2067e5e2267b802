"""Fine-tuning as a user does it: 5 classes x 200 images of CIFAR-10's training part, 5 x 100 of its test's.

python benchmarks/finetune.py [MODEL [WEIGHTS [LAYERS]]]   $EYESPOT_DATA names the data

The first published weights are used by default (tiny-resnet's own saw these very images). In
development: mobilenet-v2 tf-slim-quantised.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

from eyespot import evaluate, quantize, train
from eyespot.data import catalogue

CLASSES = ("airplane", "automobile", "bird", "cat", "deer")
IMAGES = {"train": 200, "test": 100}


def write_folder(folder: Path, split: str) -> None:
    """The first images of each class, as PNG."""
    opened = catalogue.open_split(catalogue.dataset("cifar-10"), split)
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for i in (opened.labels == label).nonzero()[0][: IMAGES[split]]:
            Image.fromarray(opened.read(int(i))).save(folder / name / f"{i}.png")


def main(model: str = "mobilenet-v2", weights: str = "", layers: Any = "auto") -> None:
    """Train, quantize, and print accuracies with their intervals and the time it took."""
    with tempfile.TemporaryDirectory() as place:
        for split in IMAGES:
            write_folder(Path(place) / split, split)
        mine, pictures = Path(place) / "mine", str(Path(place) / "train")
        started = time.monotonic()
        made = train(model, data=pictures, out=mine, weights=weights or None, layers=layers)
        minutes = (time.monotonic() - started) / 60
        quantize(str(mine))
        print(f"{model}, layers {made.layers}: trained in {minutes:.1f} min")
        print(f"validation: {made.validation_top1:.3f}, n = {made.n}")
        for file in ("float32.tflite", "int8.tflite"):
            found = evaluate(str(mine / file), data=str(Path(place) / "test"))
            print(f"{file}: {found.top1:.3f} [{found.low:.3f}, {found.high:.3f}], n = {found.n}")


if __name__ == "__main__":
    main(*sys.argv[1:])
