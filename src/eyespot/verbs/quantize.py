"""quantize: float32.tflite to int8.tflite."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from eyespot import artifact, registry
from eyespot.cards import Artifact, Quantization
from eyespot.datasets.split import Split, data_digest, image_digest
from eyespot.errors import RefusedError
from eyespot.quantization.bias import correct
from eyespot.quantization.int8 import quantize_static
from eyespot.quantization.ranges import choose
from eyespot.tflite import run as running
from eyespot.tflite import schema
from eyespot.tflite.clean import clean
from eyespot.tflite.read import File, read


def quantize(
    model: str,
    *,
    ranges: Literal["minmax", "percentile", "mse"] | None = None,
    images: int | None = None,
    bias_correction: bool | None = None,
    out: Path | None = None,
) -> Artifact:
    """Quantize a float32 file to full int8, calibrated on training images alone.

    Example: eyespot quantize build/tiny-resnet

    Parameters
    ----------
    model
        A model's name (its shipped float32 file), a float32 .tflite file or a folder that `convert` wrote.
    ranges
        How activation ranges are chosen: minmax, percentile or mse; as the model's card says by default.
    images
        How many training images calibrate; as the card says by default.
    bias_correction
        Shift biases so that each channel keeps its mean; as the card says by default.
    out
        Folder to write int8.tflite to; beside the float32 file, or build/MODEL for a shipped one.
    """
    file = _float32(model)
    contract = running.contract_of(file)
    card = registry.model(contract.model)
    asked: dict[str, Any] = {"ranges": ranges, "images": images, "bias_correction": bias_correction}
    how = replace(card.quantization, **{name: value for name, value in asked.items() if value is not None})
    split = registry.open_split(registry.dataset(card.data), "train")
    chosen = calibration(split, how.images)
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
    return artifact.save(
        folder / "int8.tflite",
        data,
        **record,
        tools=artifact.tools("litert-quantizer", "ai-edge-litert"),
        facts={"calibration": f"{split.data} {split.name}", "calibration_images": [d.hex() for d in digests]},
    )


def calibration(split: Split, images: int) -> list[int]:
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
    int8 = File(path=file.path, data=data, model=schema.unpack(clean(data, contract, {})))
    stored = np.stack([running.encoder(int8, contract)(split.read(i)) for i in chosen])
    return correct(replace(int8, data=schema.pack(int8.model)), file, stored, real).data


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
