"""quantize: float32.tflite to int8.tflite."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from eyespot import artifact, registry
from eyespot.cards import Artifact, Contract, Quantization
from eyespot.datasets.folder import is_unsorted, unsorted
from eyespot.datasets.split import Split, data_digest, image_digest
from eyespot.errors import MissingDataError, RefusedError
from eyespot.quantization.bias import correct
from eyespot.quantization.explain import LayerError
from eyespot.quantization.explain import explain as explained
from eyespot.quantization.int8 import quantize_static
from eyespot.quantization.ranges import choose
from eyespot.tflite import run as running
from eyespot.tflite import schema
from eyespot.tflite.clean import clean
from eyespot.tflite.read import File, describe, read

MAY_CALIBRATE = ("train", "calibration", "all")  # splits; never a test or validation split


@dataclass(frozen=True, kw_only=True)
class Quantized:
    """The int8 file; with `explain` also each layer's error, worst first."""

    artifact: Artifact
    layers: tuple[LayerError, ...]


def quantize(
    model: str,
    *,
    calibration: str | None = None,
    ranges: Literal["minmax", "percentile", "mse"] | None = None,
    images: int | None = None,
    bias_correction: bool | None = None,
    explain: bool = False,
    out: Path | None = None,
) -> Quantized:
    """Quantize a float32 file to full int8, calibrated on training images alone.

    Example: eyespot quantize build/tiny-resnet --explain

    Parameters
    ----------
    model
        A model's name (its own float32 file), a float32 .tflite file or a folder that `convert` wrote.
    calibration
        A data set or a folder of images that calibrate, sorted into classes or not; the model's own
        training images by default.
    ranges
        How activation ranges are chosen: minmax, percentile or mse; as the model's card says by default.
    images
        How many images calibrate; as the card says by default.
    bias_correction
        Shift biases so that each channel keeps its mean; as the card says by default.
    explain
        Tell each layer's signal-to-noise ratio and scale, worst first.
    out
        Folder to write int8.tflite to; beside the float32 file, or build/MODEL for a shipped one.
    """
    file = _float32(model)
    contract = running.contract_of(file)
    card = registry.model(contract.model)
    asked: dict[str, Any] = {"ranges": ranges, "images": images, "bias_correction": bias_correction}
    how = replace(card.quantization, **{name: value for name, value in asked.items() if value is not None})
    split = _calibration(file, contract, calibration)
    chosen = spread(split, how.images)
    digests = [image_digest(split.read(i)) for i in chosen]
    record = {
        "verb": "quantize",
        "model": contract.model,
        "arguments": asdict(how),
        "inputs": {"float32": file.sha256, "calibration": data_digest(split.labels[chosen], digests)},
    }
    data = clean(quantized(file, split, chosen, how), contract, record)
    folder = out or (
        Path("build") / contract.model if file.path.is_relative_to(registry.ZOO) else file.path.parent
    )
    made = artifact.save(
        folder / "int8.tflite",
        data,
        **record,
        tools=artifact.tools("litert-quantizer", "ai-edge-litert"),
        facts=describe(data) | _stand_in(file.path) | _calibrated(split, digests),
    )
    layers = (
        explained(_int8(file, data), file, *_tensors(_int8(file, data), file, split, chosen))
        if explain
        else ()
    )
    return Quantized(artifact=made, layers=layers)


def spread(split: Split, images: int) -> list[int]:
    """Indices of the images that calibrate: evenly spread over the split."""
    return [int(i) for i in np.linspace(0, len(split) - 1, min(images, len(split))).round()]


def quantized(file: File, split: Split, chosen: list[int], how: Quantization) -> bytes:
    """The int8 bytes of a float32 file, calibrated on the chosen images, before the last clean-up."""
    contract = running.contract_of(file)
    encode = running.encoder(file, contract)
    real = np.stack([encode(split.read(i)) for i in chosen])
    data = quantize_static(file.data, choose(file, real, contract.input, how.ranges))
    if not how.bias_correction:
        return data
    int8 = _int8(file, clean(data, contract, {}))
    return correct(int8, file, *_tensors(int8, file, split, chosen)).data


def _int8(file: File, data: bytes) -> File:
    return File(path=file.path, data=data, model=schema.unpack(data))


def _tensors(int8: File, float32: File, split: Split, chosen: list[int]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The chosen images as each of the two files takes them, (n, h, w, c)."""
    contract = running.contract_of(float32)
    images = [split.read(i) for i in chosen]
    stored, real = (np.stack([running.encoder(f, contract)(i) for i in images]) for f in (int8, float32))
    return stored, real


def _calibration(file: File, contract: Contract, asked: str | None) -> Split:
    """The images that calibrate. MissingDataError where there are none: nothing takes their place."""
    if asked and is_unsorted(Path(asked)):
        return unsorted(Path(asked))
    data = registry.dataset(asked) if asked else registry.data_of(file.path, contract)
    found = next((name for name in MAY_CALIBRATE if name in data.splits), None)
    if found is None:
        raise RefusedError(f"{data.name}: has test images alone, which never calibrate")
    try:
        return registry.open_split(data, found)
    except MissingDataError as error:
        raise MissingDataError(
            f"{error}; or calibrate on pictures like those of the board: --calibration FOLDER"
        ) from error


def _calibrated(split: Split, digests: list[bytes]) -> dict[str, Any]:
    """What the sidecar tells of the calibration, so that `evaluate` can refuse these images."""
    name = Path(split.data).name  # of a user's folder without its path
    return {"calibration": f"{name} {split.name}", "calibration_images": [d.hex() for d in digests]}


def _stand_in(path: Path) -> dict[str, Any]:
    """A stand-in's mark, handed on from the float32 file."""
    facts = artifact.load(path).facts if artifact.sidecar(path).exists() else {}
    return {name: facts[name] for name in ("stand_in",) if name in facts}


def _float32(model: str) -> File:
    """The float32 file that MODEL means here. RefusedError for one that is int8 already."""
    path = Path(model)
    if path.is_dir():
        found = path / "float32.tflite"
    else:
        found = path if path.suffix == ".tflite" else registry.find(f"{model.partition(':')[0]}:float32")
    file = read(found)
    if file.precision != "float32":
        raise RefusedError(f"{found}: is {file.precision} already; give the float32 file")
    return file
