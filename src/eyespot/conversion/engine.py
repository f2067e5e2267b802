"""From trained or published weights to a folder's float32 file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyespot.artifacts.atomic import digest, digest_file
from eyespot.artifacts.model_folder import WEIGHTS, ModelFolder
from eyespot.artifacts.sidecars import HANDED_ON, Artifact, tools
from eyespot.conversion.adopt import adopt
from eyespot.conversion.clean import repair, save_first
from eyespot.data import catalogue
from eyespot.errors import BadFileError, MissingDataError
from eyespot.tflite.contract import decode
from eyespot.tflite.read import read
from eyespot.weights import published
from eyespot.zoo import registry
from eyespot.zoo.cards import Model

if TYPE_CHECKING:
    from torch import nn

RANDOM, TRAINED = "random", "train"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Weights: their file (None: random ones), the function that loads it, digests and facts."""

    name: str
    path: Path | None = None
    importer: str = ""
    inputs: dict[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)


def convert(card: Model, weights: str | None, folder: ModelFolder) -> Artifact:
    """Write float32.tflite. A published float32 .tflite file is adopted, which needs no torch.

    `weights` is as `eyespot convert` takes it. MissingDataError if there are none, BadFileError if they
    belong to another model.
    """
    source = _source(card, weights, folder)
    _hand_on_data(source, folder.path)
    facts = {each: source.facts[each] for each in HANDED_ON if each in source.facts}
    record: dict[str, Any] = {"weights": source.name, "inputs": source.inputs, "facts": facts}
    contract = registry.contract(card.name)
    if model := _adopted(source):
        return save_first(folder, model, contract, tools=tools(), **record)
    from eyespot.conversion.pytorch import save_float32

    if "classes" in source.facts:  # trained on others than the card's
        spec, classes = decode(source.facts), tuple(source.facts["classes"])
        contract = replace(contract, preprocessing=spec, classes=classes)
    return save_float32(_network(card, len(contract.classes), source), contract, folder, **record)


def _source(card: Model, weights: str | None, folder: ModelFolder) -> Source:
    if weights == RANDOM:
        return Source(name=RANDOM, inputs={"weights": digest(b"random, seed 0")}, facts={"stand_in": RANDOM})
    if weights is None or weights.endswith(".safetensors"):
        return _trained(card, folder.path / WEIGHTS if weights is None else Path(weights))
    chosen = published.named(card, weights)
    path = published.locate(chosen)
    return Source(
        name=chosen.name, path=path, importer=chosen.importer, inputs=published.digests(chosen, path),
        facts={"stand_in": chosen.name} if chosen.stand_in else {},
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
    return Source(
        name=TRAINED, path=path, importer="eyespot.weights.state_dicts:load_safetensors",
        inputs={"weights": record.sha256 if record else digest_file(path)},
        facts=record.facts if record else {},
    )  # fmt: skip


def _hand_on_data(source: Source, folder: Path) -> None:
    """Replace what the folder says of the data with what is known beside the weights."""
    origin = source.path.parent if source.path and source.name == TRAINED else None
    if origin is None or origin.resolve() != folder.resolve():
        catalogue.forget_data(folder)
    if origin:
        catalogue.hand_on_data(origin, folder)


def _adopted(source: Source) -> Any:
    """The object form of published weights that are a whole float32 model already, else None."""
    if source.path is None or source.path.suffix != ".tflite":
        return None
    file = read(source.path)
    if file.precision != "float32":
        return None
    model = repair(file.data)
    adopt(model)
    return model


def _network(card: Model, classes: int, source: Source) -> nn.Module:
    """The network with its weights."""
    network: nn.Module = registry.imported(card.network)(classes)
    if source.path:
        registry.imported(source.importer)(network, source.path)
    else:
        from eyespot.weights.stand_in import fill_stand_in

        fill_stand_in(network, card.preprocessing)
    return network
