"""The confidence of a model file, measured on the validation images of the data that trained it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.data import catalogue, manifest
from eyespot.data.split import Split, image_digest, image_digests
from eyespot.errors import BadFileError, MissingDataError
from eyespot.evaluation.confidence import fit, floor
from eyespot.evaluation.predict import run
from eyespot.preprocessing.spec import Confidence, Contract
from eyespot.progress import track
from eyespot.tflite.contract import rewritten
from eyespot.tflite.read import File, parse
from eyespot.tflite.run import checked, contract_of, encoder, to_float


def with_confidence(data: bytes, path: Path, origin: Path) -> bytes:
    """A file's bytes, with the confidence of its own outputs in its contract; with none if that cannot be measured.

    `origin` is the folder of the trained model, whose manifest names the validation images. Without a manifest
    nothing is measured: files of published recipes keep their bytes. Errors as `contract_of`.
    """
    file = parse(data, path)
    contract = contract_of(file)
    agreed = replace(contract, confidence=_measured(file, contract, origin))
    return data if agreed == contract else rewritten(data, agreed)


def _measured(file: File, contract: Contract, origin: Path) -> Confidence | None:
    splits = _splits(file, contract, origin)
    if splits is None:
        return None
    validation, test = splits
    tests = image_digests(test, "test")
    encode, kept = encoder(file, contract), list[int]()

    def tensors() -> Iterator[NDArray[Any]]:
        for i, image in enumerate(track(validation, len(validation), "confidence")):
            if image_digest(image) not in tests:
                kept.append(i)
                yield encode(image)

    classes = len(contract.classes)
    shares = [
        to_float(checked(file, each, classes), file.output, logits=contract.logits) for each in run(file, tensors())
    ]
    return fit(np.stack(shares), validation.labels[kept], floor(file.output, contract)) if shares else None


def _splits(file: File, contract: Contract, origin: Path) -> tuple[Split, Split] | None:
    """The validation and test split of the data that trained a file, if they are at hand as they were then."""
    if manifest.load(origin) is None:
        return None
    try:
        data = catalogue.data_for(origin / file.path.name, contract)
        if "validation" not in data.splits:
            return None
        validation, test = (catalogue.open_split(data, name) for name in ("validation", data.test))
    except (BadFileError, MissingDataError):
        return None
    return (validation, test) if validation.classes == contract.classes else None
