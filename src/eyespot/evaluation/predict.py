"""The classes of the user's own pictures."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eyespot.artifacts import places
from eyespot.artifacts.model_folder import read_sidecar
from eyespot.errors import BadArgumentError, MissingDataError
from eyespot.evaluation.confidence import probabilities
from eyespot.evaluation.prediction import Prediction, Threshold
from eyespot.isolation import Pool
from eyespot.preprocessing.image import SUFFIXES, decode, pixels
from eyespot.preprocessing.spec import Contract
from eyespot.progress import track
from eyespot.tflite import run as running
from eyespot.tflite.kernels import Kernels
from eyespot.tflite.read import File

Picture = str | Path | Image.Image | NDArray[np.uint8]
Pictures = Picture | Sequence[Picture]


def classify(
    file: File, contract: Contract, images: Pictures, top: int, threshold: Threshold | None = None
) -> tuple[Prediction, ...]:
    """The `top` most probable classes of each image, calibrated if the contract has a temperature.

    MissingDataError for a folder or pattern without images, BadArgumentError for an array that is no image.
    """
    spec, encode = contract.preprocessing, running.encoder(file, contract)
    several = [images] if isinstance(images, str | Path | Image.Image | np.ndarray) else images
    pictures = list(_each(several))
    tensors = (encode(_pixels(source, picture, spec.channels)) for source, picture in pictures)
    outputs = track(run(file, tensors), len(pictures), "predict")
    classes = len(contract.classes)
    shares = (probabilities(running.checked(file, each, classes), file.output, contract) for each in outputs)
    return tuple(
        _prediction(source, share, contract.classes, top, threshold)
        for (source, _), share in zip(pictures, shares, strict=True)
    )


def _prediction(
    source: str, shares: NDArray[np.float32], classes: Sequence[str], top: int, threshold: Threshold | None
) -> Prediction:
    best = np.argsort(-shares, kind="stable")[:top]
    sure = threshold is None or shares[best[0]] >= np.float32(threshold.confidence)  # as the exported C compares
    named = tuple((classes[i], float(shares[i])) for i in best)
    return Prediction(source=source, answer=named[0][0] if sure else None, classes=named, threshold=threshold)


def run(file: File, tensors: Iterable[NDArray[Any]], kernels: Kernels = "xnnpack") -> Iterator[NDArray[Any]]:
    """Outputs of LiteRT, which runs in a worker because it can crash; our own files are safe."""
    if file.path.is_relative_to(places.ZOO) and read_sidecar(file.path).sha256 == file.sha256:
        yield from map(running.open_runner(file, kernels), tensors)
    else:
        with Pool(1, seconds=60, name=f"{file.path}: LiteRT") as pool:
            yield from pool.open(running.open_runner, file.content, kernels)(tensors)


def _each(images: Sequence[Picture]) -> Iterator[tuple[str, Picture]]:
    """All pictures with their sources: files as given, folders' and patterns' files sorted."""
    for place, image in enumerate(images):
        if not isinstance(image, str | Path):
            yield f"image {place}", image
            continue
        if Path(image).is_dir():
            paths = sorted(p for p in Path(image).rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        else:
            names = [image] if Path(image).exists() else sorted(glob.glob(str(image), recursive=True))  # noqa: PTH207
            paths = [Path(name) for name in names]
        if not paths:
            raise MissingDataError(f"{image}: no images there; give image files, folders or patterns")
        yield from ((str(path), path) for path in paths)


def _pixels(source: str, picture: Picture, channels: int) -> NDArray[np.uint8]:
    """A picture as (height, width, channels)."""
    if isinstance(picture, str | Path):
        return decode(Path(picture), channels)
    if isinstance(picture, Image.Image):
        return pixels(picture, channels, source)
    if picture.dtype != np.uint8 or picture.shape[2:] not in {(), (1,), (3,)} or picture.ndim < 2 or not picture.size:
        raise BadArgumentError(
            f"{source}: expected (height, width), (height, width, 1) or (height, width, 3) of uint8, "
            f"found {picture.shape} of {picture.dtype}"
        )
    return picture.reshape(*picture.shape[:2], -1)
