"""The classes of the user's own pictures."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from eyespot.errors import MissingDataError
from eyespot.evaluation.prediction import Prediction
from eyespot.preprocessing.image import SUFFIXES, decode
from eyespot.preprocessing.spec import Contract
from eyespot.progress import track
from eyespot.tflite import run as running
from eyespot.tflite.read import File


def classify(file: File, contract: Contract, images: tuple[str, ...], top: int) -> tuple[Prediction, ...]:
    """The `top` most probable classes of each image. MissingDataError where a folder or pattern has none."""
    encode, run = running.encoder(file, contract), running.open_runner(file, "xnnpack")
    paths = list(_expand(images))

    def classes(path: Path) -> tuple[tuple[str, float], ...]:
        output = run(encode(decode(path, contract.preprocessing.channels)))
        shares = running.to_float(output, file.output)
        best = np.argsort(-shares, kind="stable")[:top]
        return tuple((contract.classes[i], float(shares[i])) for i in best)

    return tuple(
        Prediction(file=str(path), classes=classes(path)) for path in track(paths, len(paths), "predict")
    )


def _expand(images: tuple[str, ...]) -> Iterator[Path]:
    """Files as given, folders' and patterns' images sorted. MissingDataError where one gives none."""
    for text in images:
        path = Path(text)
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
        else:
            found = [path] if path.exists() else sorted(Path(p) for p in glob.glob(text, recursive=True))  # noqa: PTH207 (any root)
        if not found:
            raise MissingDataError(f"{text}: no images there; give image files, folders or patterns")
        yield from found
