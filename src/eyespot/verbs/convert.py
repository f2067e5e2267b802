"""convert: weights to float32.tflite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyespot import published, registry
from eyespot.artifact import digest, digest_file, load, save, sidecar, tools
from eyespot.cards import Artifact, Contract, Model, Weights
from eyespot.errors import BadFileError, MissingDataError
from eyespot.tflite.adopt import adopt
from eyespot.tflite.clean import clean
from eyespot.tflite.read import describe, read
from eyespot.verbs.train import WEIGHTS

if TYPE_CHECKING:
    from torch import nn

RANDOM = "random"


def convert(model: str, *, weights: str | None = None, out: Path | None = None) -> Artifact:
    """Turn trained or published weights into OUT/float32.tflite, the contract inside.

    A published float32 .tflite file is taken as it is, without torch. What takes the place of weights
    that are not at hand is marked as a stand-in, and no accuracy of it is ever reported.

    Example: eyespot convert tiny-resnet --weights mlperf-tiny --out build/mlperf

    Parameters
    ----------
    model
        Name of a model.
    weights
        Name of published weights (`eyespot show MODEL` lists them), a .safetensors file, or `random`, a
        stand-in; what `train` wrote into OUT by default.
    out
        Folder to write to; build/MODEL by default.
    """
    card, folder = registry.model(model), out or Path("build") / model
    source = published.named(card, weights) if weights and _is_name(weights) else None
    path = published.locate(source) if source else _trained(card, weights, folder)
    name = source.name if source else RANDOM if path is None else "train"
    made_of = digest_file(path) if path else digest(b"random, seed 0")
    stand_in = {"stand_in": name} if path is None or (source and source.stand_in) else {}
    if path and _is_float32(path):
        return _adopted(path, registry.contract(model), folder, name, made_of, stand_in)
    from eyespot.networks.export import save_float32

    network, classes = _network(card, source, path)
    contract = Contract(model=model, input=card.input, classes=classes)
    return save_float32(network, contract, folder, weights=name, digest=made_of, **stand_in)


def _is_name(weights: str) -> bool:
    """Whether published weights are meant."""
    return weights != RANDOM and not weights.endswith(".safetensors")


def _trained(card: Model, weights: str | None, folder: Path) -> Path | None:
    """What `train` wrote for this model; None for random weights."""
    if weights == RANDOM:
        return None
    path = Path(weights) if weights else folder / WEIGHTS
    if not path.is_file():
        others = "".join(f", or --weights {w.name}" for w in card.weights)
        raise MissingDataError(
            f"{path}: no such file; make it with: eyespot train {card.name} --out {path.parent}{others}"
        )
    if sidecar(path).exists() and (trained := load(path).model) != card.name:
        raise BadFileError(f"{path}: holds weights of {trained}, expected {card.name}")
    return path


def _is_float32(path: Path) -> bool:
    """Whether published weights are a whole float32 model already."""
    return path.suffix == ".tflite" and read(path).precision == "float32"


def _adopted(
    path: Path, contract: Contract, folder: Path, name: str, made_of: str, stand_in: dict[str, str]
) -> Artifact:
    """A published file, taken as it is."""
    record: dict[str, Any] = {
        "verb": "convert",
        "model": contract.model,
        "arguments": {"weights": name},
        "inputs": {"weights": made_of},
    }
    data = clean(adopt(path.read_bytes()), contract, record)
    return save(folder / "float32.tflite", data, **record, tools=tools(), facts=describe(data) | stand_in)


def _network(card: Model, source: Weights | None, path: Path | None) -> tuple[nn.Module, tuple[str, ...]]:
    """The network with its weights, and its classes: of weights trained on others, those."""
    from eyespot.networks.stand_in import fill_stand_in
    from eyespot.networks.state_dicts import load_safetensors

    classes = registry.dataset(card.data).classes
    if source is None and path and sidecar(path).exists():
        classes = tuple(load(path).facts.get("classes", classes))
    network = registry.imported(card.network)(len(classes))
    if path is None:
        fill_stand_in(network, card.input)
    elif source is None:
        load_safetensors(network, path)
    else:
        registry.imported(source.importer)(network, path)
    return network, classes
