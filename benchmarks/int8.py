"""What each step of quantization brings, on images that neither calibrate nor test.

    EYESPOT_DATA=... OPENBLAS_NUM_THREADS=1 python benchmarks/int8.py MODEL...

tiny-resnet and deepface-emotion: calibrated on training images, compared on validation images. The others: the 100
photographs of imagenet-like that may calibrate, one half calibrates and the other compares, and the reverse; a network
without ImageNet's classes has no accuracy there.

Each line: squared error of the logits over their variance; its change against the first line in percent; how often
int8 gives float32's class; top-1 minus float32's in points. Intervals are 95 %, paired.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equalisation import equalise
from eyespot.conversion.clean import finish, leave_out_softmax
from eyespot.data import catalogue
from eyespot.data.split import Split, image_digest
from eyespot.evaluation import workers
from eyespot.evaluation.metrics import gain
from eyespot.preprocessing.image import fit
from eyespot.preprocessing.spec import Preprocessing
from eyespot.quantization import statistics
from eyespot.quantization.calibration import spread
from eyespot.quantization.engine import quantized
from eyespot.tflite import run as running
from eyespot.tflite import schema
from eyespot.tflite.read import File, parse, read
from eyespot.zoo import registry
from eyespot.zoo.cards import Quantization

PHOTOGRAPHS = "imagenet-like"
COMPARED = 2000
NEAREST = Quantization(ranges="minmax", compensated=False)
MSE = replace(NEAREST, ranges="mse", compensated=True)


@dataclass(frozen=True, kw_only=True)
class Way:
    """How to quantize, with which share of the calibration images, equalised or not."""

    how: Quantization = NEAREST
    share: float = 1.0
    equalised: str = ""


WAYS = {
    "minmax, nearest": Way(),
    "no bias correction": Way(how=replace(NEAREST, bias_correction=False)),
    "percentile": Way(how=replace(NEAREST, ranges="percentile")),
    "mse": Way(how=replace(NEAREST, ranges="mse")),
    "a tenth of the images": Way(share=0.1),
    "half of the images": Way(share=0.5),
    "equalised": Way(equalised="exact"),
    "equalised, ReLU6 too": Way(equalised="relu6"),
    "compensated": Way(how=replace(NEAREST, compensated=True)),
    "compensated, a tenth": Way(how=replace(NEAREST, compensated=True), share=0.1),
    "compensated, mse": Way(how=MSE),
    "compensated, mse, equalised": Way(how=MSE, equalised="exact"),
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """Pixels (n, h, w, c) that calibrate, others that compare, and their labels, -1 where there are none."""

    calibration: NDArray[np.uint8]
    compared: NDArray[np.uint8]
    labels: NDArray[np.int64]


def pixels(split: Split, indices: list[int], spec: Preprocessing) -> NDArray[np.uint8]:
    """Images of a split, as a network takes them."""
    return np.stack([fit(split.read(i), spec) for i in indices])


def parts_of(file: File) -> list[Part]:
    """The images for a model."""
    contract = running.contract_of(file)
    spec, data = contract.preprocessing, registry.dataset(registry.model(contract.model).data)
    if data.splits.get("validation"):
        train, validation, tests = (catalogue.open_split(data, name) for name in ("train", "validation", data.test))
        held_out = {image_digest(image) for image in tests}
        kept = [i for i in spread(validation, COMPARED) if image_digest(validation.read(i)) not in held_out]
        chosen = pixels(train, spread(train, NEAREST.images), spec)
        return [Part(calibration=chosen, compared=pixels(validation, kept, spec), labels=validation.labels[kept])]
    split = catalogue.open_split(catalogue.dataset(PHOTOGRAPHS), "calibration")
    photographs, labels = pixels(split, list(range(len(split))), spec), split.labels
    labels = labels if contract.classes == split.classes else np.full(len(split), -1)
    halves = [slice(0, None, 2), slice(1, None, 2)]
    return [
        Part(calibration=photographs[one], compared=photographs[other], labels=labels[other])
        for one, other in (halves, halves[::-1])
    ]


def logits(file: File, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The real logits (n, classes) of a file that ends in a softmax."""
    model = schema.unpack(file.data)
    leave_out_softmax(model, file.path)
    bare = parse(schema.pack(model), file.path)
    run = running.open_runner(bare.content, "xnnpack")
    tensors = running.stored(images, running.contract_of(file).preprocessing, file.input)
    values = np.array([run(tensor) for tensor in tensors], np.float64)
    levels = bare.graph.tensors[bare.graph.outputs[0]].quantization
    if values.dtype == file.output.dtype or levels is None or levels.scale is None:
        return values
    return (values - float(levels.zeroPoint[0])) * float(levels.scale[0])


def int8_of(file: File, part: Part, way: Way) -> File:
    """The int8 file of one way."""
    images = len(part.calibration)
    chosen = part.calibration[np.linspace(0, images - 1, round(way.share * images)).astype(int)]
    contract = running.contract_of(file)
    if way.equalised:
        real = running.stored(chosen, contract.preprocessing, file.input)
        file = equalise(file, real, relu6=way.equalised == "relu6")
    with workers.start(1) as pool:
        measured = statistics.measure(file, chosen, way.how.ranges, pool)
    return parse(finish(quantized(file, chosen, measured, way.how), contract, {}), file.path)


def compare(model: str) -> None:
    """Print a line for each way."""
    file = read(Path(registry.find(f"{model}:float32")))
    parts = parts_of(file)
    real = [logits(file, part.compared) for part in parts]
    labels = np.concatenate([part.labels for part in parts])
    first = np.concatenate(real)
    right, variance = first.argmax(1) == labels, first.var(1).mean()
    top1 = "no accuracy" if (labels < 0).all() else f"float32 {right.mean():.4f}"
    print(f"\n{model}: {top1}, n = {len(labels):,}, {len(parts[0].calibration)} images calibrate")
    before: Any = None
    for name, way in WAYS.items():
        files = [int8_of(file, part, way) for part in parts]
        found = np.concatenate([logits(each, part.compared) for each, part in zip(files, parts, strict=True)])
        errors = np.square(found - first).mean(1) / variance
        before = errors if before is None else before
        change = (errors - before) / before.mean() * 100
        interval = 1.96 * change.std(ddof=1) / len(change) ** 0.5
        lost = (
            "-"
            if (labels < 0).all()
            else "{:+.2f} [{:+.2f}, {:+.2f}]".format(*(100 * each for each in gain(found.argmax(1) == labels, right)))
        )
        same = 100 * (found.argmax(1) == first.argmax(1)).mean()
        print(
            f"{name:28} {errors.mean():.5f}  {change.mean():+6.1f} ±{interval:4.1f} %  {same:5.1f} %  {lost}",
            flush=True,
        )


if __name__ == "__main__":
    for name in sys.argv[1:]:
        compare(name)
