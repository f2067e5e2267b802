"""convert: weights to float32.tflite."""

from __future__ import annotations

from pathlib import Path

from eyespot.arguments import verb
from eyespot.artifacts.lock import held
from eyespot.artifacts.model_folder import Artifact, ModelFolder
from eyespot.conversion import engine
from eyespot.zoo import registry


@verb
def convert(model: str, *, weights: str | None = None, out: Path | None = None) -> Artifact:
    """Turn trained or published weights into float32.tflite.

    It is written to OUT, the contract inside. A published float32 .tflite file is used directly, without torch.
    Stand-ins for weights that you do not have are marked, and no accuracy of them is ever reported.

    Example: eyespot convert tiny-resnet --weights mlperf-tiny --out build/mlperf

    Args:
        model: Name of a model.
        weights: Name of published weights (`eyespot show MODEL` lists them), a .safetensors file, or
            `random`, a stand-in; what `train` wrote into OUT by default.
        out: Folder to write to; build/MODEL by default.
    """
    card, folder = registry.model(model), out or Path("build") / model
    with held(folder):
        return engine.convert(card, weights, ModelFolder(folder))
