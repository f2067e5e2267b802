"""predict: the classes of the user's own pictures."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from eyespot import registry
from eyespot.cards import Prediction
from eyespot.errors import MissingDataError
from eyespot.image import SUFFIXES, decode
from eyespot.progress import track
from eyespot.tflite import run as running
from eyespot.tflite.read import read


def predict(
    model: str, images: tuple[str, ...], *, top: int = 5, contract: str | None = None
) -> tuple[Prediction, ...]:
    """Classify image files, all images of folders, or globs.

    Example: eyespot predict tiny-resnet photos/ "more/*.jpg" --top 3

    Parameters
    ----------
    model
        A model (its int8 file), MODEL:float32, a .tflite file or a folder.
    images
        Files, folders or patterns.
    top
        How many classes to tell.
    contract
        For a file that carries none: the model whose input and classes it shares.
    """
    file = read(registry.find(model))
    agreed = running.contract_of(file, registry.contract(contract) if contract else None)
    encode, run = running.encoder(file, agreed), running.open_runner(file, "xnnpack")
    paths = list(_expand(images))

    def classes(path: Path) -> tuple[tuple[str, float], ...]:
        output = run(encode(decode(path, agreed.input.channels)))
        shares = running.to_float(output, file.output)
        best = np.argsort(-shares, kind="stable")[:top]
        return tuple((agreed.classes[i], float(shares[i])) for i in best)

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
