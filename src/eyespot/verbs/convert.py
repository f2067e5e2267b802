"""convert: weights to float32.tflite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eyespot import published, registry
from eyespot.artifact import digest_file, load, save, sidecar, tools
from eyespot.cards import Artifact, Model
from eyespot.errors import BadFileError, MissingDataError, UnknownNameError
from eyespot.verbs.train import WEIGHTS

if TYPE_CHECKING:
    from torch import nn


def convert(model: str, *, weights: str | None = None, out: Path | None = None) -> Artifact:
    """Turn trained or published weights into OUT/float32.tflite, the contract inside.

    Example: eyespot convert tiny-resnet --weights mlperf-tiny --out build/mlperf

    Parameters
    ----------
    model
        Name of a model.
    weights
        Name of published weights (`eyespot show MODEL` lists them), or a .safetensors file; what `train`
        wrote into OUT by default.
    out
        Folder to write to; build/MODEL by default.
    """
    from eyespot.networks.export import to_tflite
    from eyespot.tflite.clean import clean

    card = registry.model(model)
    folder = out or Path("build") / model
    network = registry.imported(card.network)(len(registry.dataset(card.data).classes))
    source = _load(card, network, weights, folder)
    record = {
        "verb": "convert",
        "model": model,
        "arguments": {"weights": weights if weights and not _is_file(weights) else "train"},
        "inputs": {"weights": digest_file(source)},
    }
    data = clean(to_tflite(network, card.input), registry.contract(model), record)
    return save(folder / "float32.tflite", data, **record, tools=tools("torch", "litert-torch"), facts={})


def _load(card: Model, network: nn.Module, weights: str | None, folder: Path) -> Path:
    """Fill the network; the file that the weights came from."""
    for known in card.weights:
        if known.name == weights:
            path = published.locate(known)
            registry.imported(known.importer)(network, path)
            return path
    if weights and not _is_file(weights):
        raise UnknownNameError(f"published weights of {card.name}", weights, (w.name for w in card.weights))
    path = Path(weights) if weights else folder / WEIGHTS
    _load_trained(card, network, path)
    return path


def _is_file(weights: str) -> bool:
    return weights.endswith(".safetensors")


def _load_trained(card: Model, network: nn.Module, path: Path) -> None:
    """Load what `train` wrote; errors where it is missing, damaged or another model's."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise MissingDataError(
            f"{path}: no such file; make it with: eyespot train {card.name} --out {path.parent}"
        )
    if sidecar(path).exists() and (trained := load(path).model) != card.name:
        raise BadFileError(f"{path}: holds weights of {trained}, expected {card.name}")
    try:
        missing, unexpected = network.load_state_dict(load_file(path), strict=False)
    except (SafetensorError, RuntimeError) as error:
        raise BadFileError(f"{path}: is not {card.name}'s weights ({str(error).splitlines()[0]})") from error
    wrong = [name for name in [*missing, *unexpected] if not name.endswith("num_batches_tracked")]
    if wrong:
        raise BadFileError(f"{path}: is not {card.name}'s weights ({wrong[0]} is missing or unexpected)")
