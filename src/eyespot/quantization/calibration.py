"""The images that calibrate: evenly spread, none that is blank or held out for a test."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.data import catalogue
from eyespot.data.folder import is_unsorted, unsorted
from eyespot.data.split import Split, data_digest, image_digest, image_digests, is_blank
from eyespot.data.used import refuse_tests
from eyespot.errors import MissingDataError, RefusedError
from eyespot.preprocessing.image import fit
from eyespot.preprocessing.spec import Preprocessing
from eyespot.progress import track
from eyespot.tflite.read import File
from eyespot.tflite.run import contract_of
from eyespot.zoo import registry
from eyespot.zoo.cards import Dataset

COMPARED = 10_000  # test images; ImageNet's 50,000 take minutes to decode
MAY_CALIBRATE = ("train", "calibration", "all")  # splits; never a test or validation split
LIMITS: dict[str, Any] = {"seconds": 6 * 3600, "memory": 16 << 30, "name": "quantization"}


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The images that calibrate, as the network takes them, (n, h, w, c), and their labels (n,).

    `digest` and `images` are the originals'; `facts` are the sidecar's, with which `evaluate` refuses them.
    """

    data: str
    split: str
    classes: tuple[str, ...]
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    images: frozenset[bytes]
    digest: str
    facts: Mapping[str, Any]


def open_images(file: File, asked: str | None) -> tuple[Dataset, Split]:
    """The split whose images may calibrate a file; `asked` is as `eyespot quantize` takes it.

    MissingDataError if there is none, because nothing may take its place.
    """
    if asked and is_unsorted(Path(asked)) and not registry.is_named(asked):
        return unsorted(Path(asked))
    data = catalogue.data_for(file.path, contract_of(file), asked, "train")
    name = next((name for name in MAY_CALIBRATE if name in data.splits), None)
    if name is None:
        raise RefusedError(f"{data.name}: has only test images, which never calibrate")
    try:
        return data, catalogue.open_split(data, name)
    except MissingDataError as error:
        raise MissingDataError(
            f"{error}; or calibrate on pictures like those of the board: --calibration FOLDER"
        ) from error


def choose_images(data: Dataset, split: Split, images: int, spec: Preprocessing, model: str) -> Chosen:
    """Choose `images` images of a split and read each once. RefusedError if none may calibrate.

    OverlapError if some are test images of the data set of `model`, as far as that is at hand.
    """
    held_out = _held_out(data, split)
    own = _own_tests(data, model)
    chosen = spread(split, images)
    pixels, labels, digests, tests = [], [], [], []
    for i in track(chosen, len(chosen), "calibration images"):
        image = split.read(i)
        digest = image_digest(image)
        if digest in own:
            tests.append(split.title(i))
        if not is_blank(image) and digest not in held_out:
            pixels.append(fit(image, spec))
            labels.append(split.labels[i])
            digests.append(digest)
    if tests:
        refuse_tests(data, split, tests, len(chosen), model)
    if not pixels:
        raise RefusedError(f"{data.name}: no image may calibrate; all are blank or stand in other splits")
    name = Path(split.data).name  # of a user's folder without its path
    facts = {"calibration": f"{name} {split.name}", "calibration_images": [each.hex() for each in digests]}
    return Chosen(
        data=name, split=split.name, classes=split.classes, pixels=np.stack(pixels), labels=np.array(labels),
        images=frozenset(digests), digest=data_digest(labels, digests), facts=facts,
    )  # fmt: skip


def spread(split: Split, images: int) -> list[int]:
    """Indices of the images that calibrate: evenly spread over the split."""
    return [int(i) for i in np.linspace(0, len(split) - 1, min(images, len(split))).round()]


def _own_tests(data: Dataset, model: str) -> set[bytes]:
    """Digests of the test images of a model's own data set, if they are at hand and calibrate in another guise.

    Of at most `COMPARED` images: `evaluate` refuses what calibrated a file, too.
    """
    own = registry.dataset(registry.model(model).data)
    if own.name == data.name or own.splits[own.test] > COMPARED:
        return set()
    try:
        tests = catalogue.open_split(own, own.test)
    except MissingDataError:
        return set()
    return image_digests(tests, own.name)


def _held_out(data: Dataset, split: Split) -> set[bytes]:
    """Digests of the images of the validation and test split, if they are at hand."""
    digests: set[bytes] = set()
    for name in sorted({"validation", "test", data.test} & data.splits.keys() - {split.name, "all"}):
        with contextlib.suppress(MissingDataError):
            digests |= image_digests(catalogue.open_split(data, name), name)
    return digests
