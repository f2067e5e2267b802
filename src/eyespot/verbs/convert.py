"""convert: weights to float32.tflite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyespot.arguments import verb
from eyespot.artifacts.atomic import digest, digest_file
from eyespot.artifacts.sidecars import HANDED_ON, Artifact, load, sidecar, tools
from eyespot.conversion.adopt import adopt
from eyespot.conversion.float32 import save_first
from eyespot.data import catalogue
from eyespot.errors import BadFileError, MissingDataError
from eyespot.preprocessing.spec import Contract
from eyespot.tflite.contract import decode
from eyespot.tflite.read import read
from eyespot.verbs.train import WEIGHTS
from eyespot.weights import published
from eyespot.zoo import registry
from eyespot.zoo.cards import Model, Weights

if TYPE_CHECKING:
    from torch import nn

RANDOM = "random"


@verb
def convert(model: str, *, weights: str | None = None, out: Path | None = None) -> Artifact:
    """Turn trained or published weights into OUT/float32.tflite, the contract inside.

    A published float32 .tflite file is spec as it is, without torch. What takes the place of weights
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
    trained = load(path).facts if path and not source and sidecar(path).exists() else {}
    facts = {each: trained[each] for each in HANDED_ON if each in trained}
    if path is None or (source and source.stand_in):
        facts["stand_in"] = name
    if "training_images" not in facts:
        (folder / catalogue.OWN_DATA).unlink(missing_ok=True)
    if path and _is_float32(path):
        raw, agreed = adopt(path.read_bytes()), registry.contract(model)
        return save_first(folder, raw, agreed, weights=name, digest=made_of, tools=tools(), facts=facts)
    from eyespot.conversion.pytorch import save_float32

    contract = _contract(card, trained)
    network = _network(card, contract, source, path)
    return save_float32(network, contract, folder, weights=name, digest=made_of, facts=facts)


def _contract(card: Model, trained: Mapping[str, Any]) -> Contract:
    """The card's, or that of weights which were trained on other classes."""
    agreed = registry.contract(card.name)
    if "classes" not in trained:
        return agreed
    return replace(agreed, preprocessing=decode(trained), classes=tuple(trained["classes"]))


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


def _network(card: Model, contract: Contract, source: Weights | None, path: Path | None) -> nn.Module:
    """The network with its weights."""
    from eyespot.weights.stand_in import fill_stand_in
    from eyespot.weights.state_dicts import load_safetensors

    network: nn.Module = registry.imported(card.network)(len(contract.classes))
    if path is None:
        fill_stand_in(network, card.preprocessing)
    elif source is None:
        load_safetensors(network, path)
    else:
        registry.imported(source.importer)(network, path)
    return network
