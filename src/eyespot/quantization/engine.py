"""From a float32 file to the int8 file of a folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts.model_folder import FLOAT32, INT8, ModelFolder
from eyespot.artifacts.sidecars import HANDED_ON, Artifact, tools
from eyespot.conversion.clean import finish, repair
from eyespot.conversion.engine import convert
from eyespot.data import catalogue
from eyespot.data.folder import is_unsorted, unsorted
from eyespot.data.split import Split
from eyespot.errors import MissingDataError, RefusedError
from eyespot.nouns import Noun
from eyespot.preprocessing.spec import Contract
from eyespot.quantization.activations import observe
from eyespot.quantization.bias import correct
from eyespot.quantization.calibration import Calibration, choose_images
from eyespot.quantization.dense import align
from eyespot.quantization.explain import LayerError
from eyespot.quantization.explain import explain as compare
from eyespot.quantization.int8 import quantize_static
from eyespot.quantization.ranges import choose
from eyespot.tflite import run as running
from eyespot.tflite.read import File
from eyespot.zoo import registry
from eyespot.zoo.cards import Dataset, Model, Quantization

MAY_CALIBRATE = ("train", "calibration", "all")  # splits; never a test or validation split


@dataclass(frozen=True, kw_only=True, repr=False)
class Quantized(Noun):
    """The int8 file; with `explain` also each layer's error, worst first."""

    artifact: Artifact
    layers: tuple[LayerError, ...]


def quantize(
    source: ModelFolder,
    file: File,
    calibration: str | None,
    how: Quantization,
    folder: ModelFolder,
    *,
    explain: bool = False,
) -> Quantized:
    """Write int8.tflite to `folder`, from a float32 file of `source`.

    `calibration` is as `eyespot quantize` takes it. MissingDataError if there are no such images.
    """
    contract = running.contract_of(file)
    data, split = _images(file, contract, calibration)
    chosen = choose_images(data, split, how.images, contract.preprocessing)
    record: dict[str, Any] = {
        "verb": "quantize",
        "model": contract.model,
        "arguments": asdict(how),
        "inputs": {"float32": file.sha256, "calibration": chosen.digest},
    }
    artifact = folder.save(
        INT8,
        finish(quantized(file, chosen.pixels, how), contract, record),
        **record,
        tools=tools("litert-quantizer", "ai-edge-litert"),
        facts=_handed_on(source.record(file.path.name)) | _calibrated(split, chosen),
    )
    catalogue.hand_on_data(source.path, folder.path)
    layers = _explained(folder.file(INT8), file, chosen.pixels) if explain else ()
    return Quantized(artifact=artifact, layers=layers)


def build(card: Model, weights: str | None = None, calibration: str | None = None) -> ModelFolder:
    """The folder of a model's files, built if they do not exist or `weights` or `calibration` are named.

    MissingDataError if the model neither ships nor has published weights. Errors as `convert`, `quantize`.
    """
    folder = ModelFolder(registry.home(card.name))
    exists = (folder.path / INT8).exists() and not (weights or calibration)
    if exists or registry.ships(card.name):
        return folder
    if not card.weights:
        raise MissingDataError(
            f"{card.name}: does not ship, nobody publishes it. Use eyespot train {card.name}."
        )
    convert(card, weights or card.weights[0].name, folder)
    quantize(folder, folder.file(FLOAT32), calibration, card.quantization, folder)
    return folder


def quantized(file: File, pixels: NDArray[np.uint8], how: Quantization) -> Any:
    """The int8 object form of a float32 file, ready for `finish`; `pixels` (n, h, w, c) calibrate it."""
    spec = running.contract_of(file).preprocessing
    real = running.stored(pixels, spec, file.input)
    seen = observe(file, real)
    data = quantize_static(file.data, choose(file, real, spec, how.ranges, seen))
    int8 = File(path=file.path, data=data, model=repair(data))
    align(int8, file)
    if how.bias_correction:
        correct(int8, seen.means, running.stored(pixels, spec, int8.input))
    return int8.model


def _explained(int8: File, float32: File, pixels: NDArray[np.uint8]) -> tuple[LayerError, ...]:
    spec = running.contract_of(float32).preprocessing
    both = (running.stored(pixels, spec, file.input) for file in (int8, float32))
    return compare(int8, float32, *both)


def _images(file: File, contract: Contract, asked: str | None) -> tuple[Dataset, Split]:
    """What calibrates. MissingDataError if there is nothing, because nothing may take its place."""
    if asked and is_unsorted(Path(asked)) and not registry.is_named(asked):
        return unsorted(Path(asked))
    data = catalogue.data_for(file.path, contract, asked, "train")
    name = next((name for name in MAY_CALIBRATE if name in data.splits), None)
    if name is None:
        raise RefusedError(f"{data.name}: has only test images, which never calibrate")
    try:
        return data, catalogue.open_split(data, name)
    except MissingDataError as error:
        raise MissingDataError(
            f"{error}; or calibrate on pictures like those of the board: --calibration FOLDER"
        ) from error


def _calibrated(split: Split, chosen: Calibration) -> dict[str, Any]:
    """What the sidecar says of the calibration, so that `evaluate` can refuse these images."""
    name = Path(split.data).name  # of a user's folder without its path
    return {
        "calibration": f"{name} {split.name}",
        "calibration_images": [digest.hex() for digest in chosen.digests],
    }


def _handed_on(record: Artifact | None) -> dict[str, Any]:
    """What the float32 file's sidecar says of its weights: a stand-in's mark, images that trained."""
    facts = record.facts if record else {}
    return {name: facts[name] for name in HANDED_ON if name in facts}
