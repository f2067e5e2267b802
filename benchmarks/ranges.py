"""How activation ranges are chosen, compared on validation images (never on the test's).

    EYESPOT_DATA=... python benchmarks/ranges.py [FLOAT32_FILE]

For each way, with and without bias correction, calibrated on 100, 200 and 500 training images: int8
top-1 on the validation split minus float32's, in points, and how often both agree.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts.atomic import write
from eyespot.conversion.clean import finish
from eyespot.data import catalogue
from eyespot.data.split import image_digest, usable
from eyespot.evaluation import engine, workers
from eyespot.quantization import statistics
from eyespot.quantization.calibration import choose_images
from eyespot.quantization.engine import quantized
from eyespot.tflite.read import read
from eyespot.tflite.run import contract_of
from eyespot.zoo import registry
from eyespot.zoo.cards import Dataset, Quantization

IMAGES = (100, 200, 500)


def predicted(path: Path, data: Dataset, n: int) -> tuple[NDArray[Any], list[bytes]]:
    """Class and digest of each validation image."""
    file = read(path)
    with workers.start() as pool:
        job = engine.prepare(file, contract_of(file), data, "validation")
        ranked, digests, _ = engine.collect(engine.classify(job, n, pool))
    return ranked[:, 0], digests


def main(path: Path) -> None:
    """Print a line for each way."""
    file = read(path)
    contract = contract_of(file)
    data = catalogue.dataset(registry.model(contract.model).data)
    train, validation, test = (catalogue.open_split(data, name) for name in ("train", "validation", data.test))
    float32, digests = predicted(path, data, len(validation))
    kept, _ = usable(digests, (), set(map(image_digest, test)))  # 46 images of FER2013 also stand in its test
    labels, float32 = validation.labels[kept], float32[kept]
    top1 = (float32 == labels).mean()
    print(f"float32 {top1:.4f} on {len(kept):,} of {len(validation):,} validation images")
    pixels = {n: choose_images(data, train, n, contract.preprocessing, contract.model).pixels for n in IMAGES}
    for how, correction in itertools.product(("minmax", "percentile", "mse"), (False, True)):
        cells = []
        for images in IMAGES:
            choice = Quantization(images=images, ranges=how, bias_correction=correction)  # type: ignore[arg-type]
            with tempfile.TemporaryDirectory() as folder:
                with workers.start() as pool:
                    measured = statistics.measure(file, pixels[images], choice.ranges, pool)
                made = quantized(file, pixels[images], measured, choice)
                int8 = write(Path(folder) / "int8.tflite", finish(made, contract, {}))
                found = predicted(int8, data, len(validation))[0][kept]
            lost = 100 * ((found == labels).mean() - top1)
            cells.append((lost, 100 * (found == float32).mean()))
        told = "   ".join(f"{lost:+.2f} {agree:5.1f} %" for lost, agree in cells)
        print(f"{how:10} bias correction {correction!s:5}  {told}   mean {np.mean([c[0] for c in cells]):+.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else registry.find("tiny-resnet:float32"))
