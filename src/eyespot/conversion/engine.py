"""From trained or published weights to a folder's float32 file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyespot.artifacts.atomic import digest, digest_file
from eyespot.artifacts.model_folder import WEIGHTS, ModelFolder
from eyespot.artifacts.sidecars import HANDED_ON, Artifact, tools
from eyespot.conversion.adopt import adopt
from eyespot.conversion.clean import repair
from eyespot.conversion.float32 import save_first
from eyespot.data import catalogue
from eyespot.errors import BadFileError, MissingDataError
from eyespot.preprocessing.spec import Contract
from eyespot.tflite.contract import decode
from eyespot.tflite.read import File, read
from eyespot.weights import published
from eyespot.zoo import registry
from eyespot.zoo.cards import Model

if TYPE_CHECKING:
    from torch import nn

RANDOM, TRAINED = "random", "train"
OURS = "eyespot.weights.state_dicts:load_safetensors"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Weights: their file (None: random ones), the function that loads it, digests, facts of `train`."""

    name: str
    path: Path | None
    importer: str
    inputs: dict[str, str]
    facts: dict[str, Any] = field(default_factory=dict)
    stand_in: bool = False


def convert(card: Model, weights: str | None, folder: ModelFolder) -> Artifact:
    """Write float32.tflite. A published float32 .tflite file is adopted, which needs no torch.

    `weights` is as `eyespot convert` takes it. MissingDataError if there are none, BadFileError if they
    belong to another model.
    """
    source = _source(card, weights, folder)
    facts = {each: source.facts[each] for each in HANDED_ON if each in source.facts}
    if source.stand_in:
        facts["stand_in"] = source.name
    origin = source.path.parent if source.path and source.name == TRAINED else None
    if origin is None or origin.resolve() != folder.path.resolve():
        catalogue.forget_data(folder.path)
    if origin:
        catalogue.hand_on_data(origin, folder.path)
    if file := _float32(source):
        model, agreed = repair(file.data), registry.contract(card.name)
        adopt(model)
        return save_first(
            folder, model, agreed, weights=source.name, inputs=source.inputs, tools=tools(), facts=facts
        )
    from eyespot.conversion.pytorch import save_float32

    contract = _contract(card, source)
    network = _network(card, contract, source)
    return save_float32(network, contract, folder, weights=source.name, inputs=source.inputs, facts=facts)


def _source(card: Model, weights: str | None, folder: ModelFolder) -> Source:
    if weights == RANDOM:
        inputs = {"weights": digest(b"random, seed 0")}
        return Source(name=RANDOM, path=None, importer="", inputs=inputs, stand_in=True)
    if weights is None or weights.endswith(".safetensors"):
        return _trained(card, folder.path / WEIGHTS if weights is None else Path(weights))
    chosen = published.named(card, weights)
    path = published.locate(chosen)
    return Source(
        name=chosen.name, path=path, importer=chosen.importer, inputs=published.digests(chosen, path),
        stand_in=chosen.stand_in,
    )  # fmt: skip


def _trained(card: Model, path: Path) -> Source:
    """What `train` wrote for this model."""
    if not path.is_file():
        others = "".join(f", or --weights {w.name}" for w in card.weights)
        raise MissingDataError(
            f"{path}: no such file; make it with: eyespot train {card.name} --out {path.parent}{others}"
        )
    record = ModelFolder(path.parent).record(path.name)
    if record and record.model != card.name:
        raise BadFileError(f"{path}: expected weights of {card.name}, found {record.model}'s")
    inputs = {"weights": record.sha256 if record else digest_file(path)}
    return Source(
        name=TRAINED, path=path, importer=OURS, inputs=inputs, facts=dict(record.facts) if record else {}
    )


def _float32(source: Source) -> File | None:
    """Published weights that are a whole float32 model already."""
    if source.path is None or source.path.suffix != ".tflite":
        return None
    file = read(source.path)
    return file if file.precision == "float32" else None


def _contract(card: Model, source: Source) -> Contract:
    """The card's, or that of weights which were trained on other classes."""
    agreed = registry.contract(card.name)
    if "classes" not in source.facts:
        return agreed
    return replace(agreed, preprocessing=decode(source.facts), classes=tuple(source.facts["classes"]))


def _network(card: Model, contract: Contract, source: Source) -> nn.Module:
    """The network with its weights."""
    network: nn.Module = registry.imported(card.network)(len(contract.classes))
    if source.path:
        registry.imported(source.importer)(network, source.path)
    else:
        from eyespot.weights.stand_in import fill_stand_in

        fill_stand_in(network, card.preprocessing)
    return network
