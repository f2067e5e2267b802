"""What `eyespot quantize --rescue` gives: float32, int8 and rescued int8 on test images that chose nothing.

    EYESPOT_DATA=... python benchmarks/rescue.py [MODEL WEIGHTS CLASSES IMAGES [CASES]]

A last layer is trained on CLASSES x IMAGES pictures of CIFAR-10's training part, for CASES triples of classes
and images; the test has 100 pictures of each class from CIFAR-10's test part. By default: visual-wake-word
mlperf-tiny 3 100 2. In development also: mobilenet-v2 tf-slim-quantised 5 200 1.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from eyespot import evaluate, quantize, train
from eyespot.data import catalogue

TESTED = 100  # pictures of each class


def write_folder(folder: Path, split: str, labels: list[int], images: int, skip: int = 0) -> None:
    """Some images of each class, as PNG."""
    card = catalogue.dataset("cifar-10")
    opened = catalogue.open_split(card, split)
    for label in labels:
        place = folder / card.classes[label]
        place.mkdir(parents=True)
        for i in (opened.labels == label).nonzero()[0][skip : skip + images]:
            Image.fromarray(opened.read(int(i))).save(place / f"{i}.png")


def shown(file: Path, test: Path) -> str:
    """Top-1 of a file on a folder, with its interval."""
    found = evaluate(str(file), data=str(test))
    return f"{found.top1:.3f} [{found.low:.3f}, {found.high:.3f}]"


def compare(model: str, weights: str, labels: list[int], images: int, skip: int) -> None:
    """Train, quantize, rescue, and print what each file and each way gives."""
    with tempfile.TemporaryDirectory() as place:
        mine, pictures, test = (Path(place) / name for name in ("mine", "pictures", "test"))
        write_folder(pictures, "train", labels, images, skip)
        write_folder(test, "test", labels, TESTED)
        train(model, data=str(pictures), out=mine, weights=weights)
        quantize(str(mine))
        print(f"{model}, classes {labels}, images from {skip}: test n = {TESTED * len(labels)}")
        print(f"  float32 {shown(mine / 'float32.tflite', test)}, int8 {shown(mine / 'int8.tflite', test)}", flush=True)
        started, before = time.monotonic(), time.process_time()
        rescued = quantize(str(mine), rescue=True)
        took = f"{time.monotonic() - started:.0f} s, {time.process_time() - before:.0f} s of this process's processor"
        print(f"  rescued {shown(mine / 'int8.tflite', test)}, in {took}")
        for step in rescued.steps:
            found = [f"{100 * c.difference:+.1f} on {c.n} {c.split}" for c in (step.validation, step.calibration) if c]
            print(f"  {'*' if step.taken else ' '} {step.name}: {'; '.join(found) or step.not_tried}", flush=True)


def main(
    model: str = "visual-wake-word", weights: str = "mlperf-tiny", classes: str = "3", images: str = "100",
    cases: str = "2",
) -> None:  # fmt: skip
    """Compare, for each case with the next classes and images."""
    for case in range(int(cases)):
        labels = [(3 * case + i) % 10 for i in range(int(classes))]
        compare(model, weights, labels, int(images), case * int(images))


if __name__ == "__main__":
    main(*sys.argv[1:])
