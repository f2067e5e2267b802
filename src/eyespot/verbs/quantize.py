"""quantize: float32.tflite to int8.tflite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from eyespot.arguments import positive, verb
from eyespot.artifacts import places
from eyespot.artifacts.lock import held
from eyespot.artifacts.model_folder import ModelFolder
from eyespot.errors import RefusedError
from eyespot.quantization import engine
from eyespot.quantization.engine import Quantized
from eyespot.quantization.rescue import rescue as rescued
from eyespot.tflite.run import contract_of
from eyespot.zoo import registry


@verb
def quantize(
    model: str,
    *,
    calibration: str | None = None,
    ranges: Literal["minmax", "percentile", "mse"] | None = None,
    images: int | None = None,
    bias_correction: bool | None = None,
    rescue: bool = False,
    logits: bool = False,
    explain: bool = False,
    out: Path | None = None,
    cluster: str | None = None,
) -> Quantized:
    """Quantize a float32 file to int8, and measure what it costs.

    Training images alone calibrate it. Top-1 of both files is measured on validation images. Where int8 loses
    more than 1 point, --rescue tries the other ranges, weights rounded so that layers err least, more images,
    then quantization-aware training, and takes the first that helps.

    Example: eyespot quantize build/tiny-resnet --explain

    Args:
        model: A model's name (its own float32 file), a float32 .tflite file or a folder that `convert` wrote.
        calibration: A data set or a folder of images that calibrate, without classes or in a layout of docs/data.md;
            the model's own training images by default.
        ranges: How activation ranges are chosen: minmax, percentile or mse; as the model's card says by
            default.
        images: How many images calibrate; as the card says by default.
        bias_correction: Shift biases so that each channel keeps its mean; as the card says by default.
        rescue: If int8 loses more than 1 point, try what may help; repeat the command to continue a stopped run.
        logits: Leave the last softmax out, which NPUs may leave to the CPU; predict and evaluate then compute it.
        explain: Show each layer's signal-to-noise ratio and scale, worst first, and write them to layers.json.
        out: Folder to write int8.tflite to; beside the float32 file, or build/MODEL for a shipped one.
        cluster: Run calibration and validation images on this Ray cluster: auto for the one that this machine is
            in, or its HOST:PORT.
    """
    positive(images=images)
    origin = registry.find(model, "float32").parent
    shipped = origin.is_relative_to(places.ZOO)
    folder = out or (Path("build") / origin.name if shipped else origin)
    asked: dict[str, Any] = {"ranges": ranges, "images": images, "bias_correction": bias_correction}
    with held(folder):
        source, file = registry.open_model(model, "float32")
        if file.precision != "float32":
            raise RefusedError(f"{file.path}: is {file.precision} already; give the float32 file")
        card = registry.model(contract_of(file).model)
        how = replace(card.quantization, **{name: value for name, value in asked.items() if value is not None})
        target = source if folder == origin else ModelFolder(folder)
        task = engine.open_task(source, file, calibration, target, cluster=cluster, logits=logits)
        return (rescued if rescue else engine.quantize)(task, how, explain=explain)
