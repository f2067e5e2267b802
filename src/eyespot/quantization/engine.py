"""From a float32 file to the int8 file of a folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot import isolation
from eyespot.artifacts.lock import held, is_held
from eyespot.artifacts.model_folder import FLOAT32, INT8, Artifact, ModelFolder, handed_on, tools
from eyespot.conversion.clean import finish, repair
from eyespot.conversion.engine import convert
from eyespot.data import catalogue
from eyespot.errors import BadFileError, MissingDataError
from eyespot.evaluation.validation import with_confidence
from eyespot.nouns import Noun
from eyespot.quantization import activations
from eyespot.quantization.activations import LayerError
from eyespot.quantization.bias import correct
from eyespot.quantization.calibration import choose_images, open_images
from eyespot.quantization.dense import align
from eyespot.quantization.ranges import choose, quantize_static
from eyespot.tflite import run as running
from eyespot.tflite.kernels import Content
from eyespot.tflite.read import File, parse
from eyespot.zoo import registry
from eyespot.zoo.cards import Quantization

LIMITS: dict[str, Any] = {"seconds": 6 * 3600, "memory": 16 << 30, "name": "quantization"}


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
    data, split = open_images(file, calibration)
    pixels, digest, facts = choose_images(data, split, how.images, contract.preprocessing, contract.model)
    inputs = {"float32": file.sha256, "calibration": digest}
    record = {"verb": "quantize", "model": contract.model, "arguments": asdict(how), "inputs": inputs}
    int8 = isolation.run(_int8, file.content, pixels, how, record, **LIMITS)
    int8 = with_confidence(int8, folder.path / INT8, source.path)
    origin = source.record(file.path.name)
    facts = handed_on(origin.facts if origin else {}) | facts
    used = tools("litert-quantizer", "ai-edge-litert")
    artifact = folder.save(INT8, int8, **record, tools=used, facts=facts)
    catalogue.hand_on_data(source.path, folder.path)
    made = folder.file(INT8)
    layers = isolation.run(activations.explain, made, file, pixels, **LIMITS) if explain else ()
    return Quantized(artifact=artifact, layers=layers)


def _int8(file: Content, pixels: NDArray[np.uint8], how: Quantization, record: dict[str, Any]) -> bytes:
    """The int8 file's bytes, in a worker: LiteRT can crash on a file that others made."""
    source = parse(file.data, file.path)
    return finish(quantized(source, pixels, how), running.contract_of(source), record)


def build(model: str, weights: str | None = None, calibration: str | None = None) -> ModelFolder:
    """The folder of a model's files, built if it is not whole or `weights` or `calibration` are named.

    MissingDataError if the model neither ships nor has published weights. Errors as `convert`, `quantize`.
    """
    card, home, asked = registry.model(model), registry.home(model), weights or calibration
    folder = ModelFolder(home)
    if registry.ships(model) or (not (asked or is_held(home)) and _is_whole(folder)):
        return folder
    if not card.weights:
        raise MissingDataError(f"{model}: does not ship, nobody publishes it. Use eyespot train {model}.")
    with held(home):
        folder = ModelFolder(home)
        if asked or not _is_whole(folder):  # another process may have built it meanwhile
            convert(card, weights or card.weights[0].name, folder)
            quantize(folder, folder.file(FLOAT32), calibration, card.quantization, folder)
        return folder


def _is_whole(folder: ModelFolder) -> bool:
    """Whether a build of both files has ended: a kill may leave a file without its sidecar, or with another's."""
    try:
        return bool(folder.pair())
    except (BadFileError, MissingDataError):
        return False


def quantized(file: File, pixels: NDArray[np.uint8], how: Quantization) -> Any:
    """The int8 object form of a float32 file, ready for `finish`; `pixels` (n, h, w, c) calibrate it."""
    spec = running.contract_of(file).preprocessing
    real = running.stored(pixels, spec, file.input)
    extremes, means = activations.observe(file, real)
    data = quantize_static(file.data, choose(file, real, spec, how.ranges, extremes))
    int8 = File(path=file.path, data=data, model=repair(data))
    align(int8, file)
    if how.bias_correction:
        correct(int8, means, running.stored(pixels, spec, int8.input))
    return int8.model
