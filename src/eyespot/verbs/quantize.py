"""quantize: float32.tflite to int8.tflite."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts import places, sidecars
from eyespot.artifacts.sidecars import Artifact
from eyespot.conversion.clean import clean
from eyespot.data import catalogue
from eyespot.data.folder import is_unsorted, unsorted
from eyespot.data.split import Split
from eyespot.errors import MissingDataError, RefusedError
from eyespot.preprocessing.spec import Contract
from eyespot.quantization.activations import observe
from eyespot.quantization.bias import correct
from eyespot.quantization.calibration import Calibration, choose_images
from eyespot.quantization.dense import align
from eyespot.quantization.explain import LayerError
from eyespot.quantization.explain import explain as explained
from eyespot.quantization.int8 import quantize_static
from eyespot.quantization.ranges import choose
from eyespot.sizes import positive
from eyespot.tflite import run as running
from eyespot.tflite import schema
from eyespot.tflite.read import File, describe, read
from eyespot.zoo import registry
from eyespot.zoo.cards import Dataset, Quantization

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
    positive(images=images)
    file = _float32(model)
    contract = running.contract_of(file)
    card = registry.model(contract.model)
    asked: dict[str, Any] = {"ranges": ranges, "images": images, "bias_correction": bias_correction}
    how = replace(card.quantization, **{name: value for name, value in asked.items() if value is not None})
    data, split = _source(file, contract, calibration)
    chosen = choose_images(data, split, how.images, contract.preprocessing)
    record = {
        "verb": "quantize",
        "model": contract.model,
        "arguments": asdict(how),
        "inputs": {"float32": file.sha256, "calibration": chosen.digest},
    }
    made_of = clean(quantized(file, chosen.pixels, how), contract, record)
    folder = out or (
        Path("build") / contract.model if file.path.is_relative_to(places.ZOO) else file.path.parent
    )
    made = sidecars.save(
        folder / "int8.tflite",
        made_of,
        **record,
        tools=sidecars.tools("litert-quantizer", "ai-edge-litert"),
        facts=describe(made_of) | _handed_on(file.path) | _calibrated(split, chosen),
    )
    catalogue.hand_on_data(file.path.parent, folder)
    return Quantized(artifact=made, layers=_explained(file, made_of, chosen.pixels) if explain else ())


def quantized(file: File, pixels: NDArray[np.uint8], how: Quantization) -> bytes:
    """The int8 bytes of a float32 file, calibrated on images as it takes them, before the last clean-up."""
    contract, real = running.contract_of(file), _taken(file, pixels)
    seen = observe(file, real)
    data = quantize_static(file.data, choose(file, real, contract.preprocessing, how.ranges, seen))
    int8 = align(_int8(file, clean(data, contract, {})), file)
    if how.bias_correction:
        int8 = correct(int8, seen.means, _taken(int8, pixels))
    return int8.data


def _explained(file: File, data: bytes, pixels: NDArray[np.uint8]) -> tuple[LayerError, ...]:
    int8 = _int8(file, data)
    return explained(int8, file, _taken(int8, pixels), _taken(file, pixels))


def _int8(file: File, data: bytes) -> File:
    return File(path=file.path, data=data, model=schema.unpack(data))


def _taken(file: File, pixels: NDArray[np.uint8]) -> NDArray[Any]:
    """Pixels (n, h, w, c) as a file's input tensor stores them."""
    return running.levels(running.contract_of(file).preprocessing, file.input).take(pixels)


def _source(file: File, contract: Contract, asked: str | None) -> tuple[Dataset, Split]:
    """What calibrates. MissingDataError where there is nothing: nothing takes its place."""
    if asked and is_unsorted(Path(asked)) and not registry.is_named(asked):
        return unsorted(Path(asked))
    data = catalogue.dataset(asked) if asked else catalogue.data_of(file.path, contract)
    found = next((name for name in MAY_CALIBRATE if name in data.splits), None)
    if found is None:
        raise RefusedError(f"{data.name}: has test images alone, which never calibrate")
    try:
        return data, catalogue.open_split(data, found)
    except MissingDataError as error:
        raise MissingDataError(
            f"{error}; or calibrate on pictures like those of the board: --calibration FOLDER"
        ) from error


def _calibrated(split: Split, chosen: Calibration) -> dict[str, Any]:
    """What the sidecar tells of the calibration, so that `evaluate` can refuse these images."""
    name = Path(split.data).name  # of a user's folder without its path
    return {
        "calibration": f"{name} {split.name}",
        "calibration_images": [digest.hex() for digest in chosen.digests],
    }


def _handed_on(path: Path) -> dict[str, Any]:
    """What the float32 file's sidecar tells of its weights: a stand-in's mark, images that trained."""
    facts = sidecars.load(path).facts if sidecars.sidecar(path).exists() else {}
    return {name: facts[name] for name in sidecars.HANDED_ON if name in facts}


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
