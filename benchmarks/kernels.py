"""How far the three sets of kernels agree on tiny-resnet's int8 file and CIFAR-10's test images.

EYESPOT_DATA=... python benchmarks/kernels.py [IMAGES] [FILE]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from eyespot import registry
from eyespot.tflite import run
from eyespot.tflite.read import read
from eyespot.tflite.tflm import isolated, run_all


def main(n: int, path: Path) -> None:
    """Each pair: share of images with the same top-1, share with bit-equal outputs, largest difference."""
    file = read(path)
    split = registry.open_split(registry.dataset("cifar-10"), "test")
    encode = run.encoder(file, run.contract_of(file))
    tensors = np.stack([encode(split.read(i)) for i in range(n)])
    xnnpack, reference = run.open_runner(file, "xnnpack"), run.open_runner(file, "reference")
    answers = {
        "xnnpack": np.stack([xnnpack(t) for t in tensors]),
        "reference": np.stack([reference(t) for t in tensors]),
        "tflm": isolated(run_all, path, tensors),
    }
    for one, other in (("tflm", "reference"), ("xnnpack", "reference"), ("xnnpack", "tflm")):
        a, b = answers[one].astype(int), answers[other].astype(int)
        same, equal = (a.argmax(1) == b.argmax(1)).mean(), (a == b).all(1).mean()
        print(f"{one} and {other}: top-1 {same:.1%}, bit-equal {equal:.1%}, up to {abs(a - b).max()} steps")


if __name__ == "__main__":
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    main(images, Path(sys.argv[2]) if len(sys.argv) > 2 else registry.find("tiny-resnet"))
