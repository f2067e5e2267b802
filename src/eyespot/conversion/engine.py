"""From trained or published weights to a folder's float32 file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from eyespot.artifacts.atomic import digest, digest_file
from eyespot.artifacts.model_folder import FLOAT32, INT8, WEIGHTS, Artifact, ModelFolder, handed_on, tools
from eyespot.conversion.clean import adopt, finish, repair
from eyespot.data import catalogue
from eyespot.errors import BadFileError, MissingDataError
from eyespot.preprocessing.spec import Contract
from eyespot.tflite.contract import decode, decode_confidence
from eyespot.tflite.read import read
from eyespot.weights import hub, published
from eyespot.zoo import registry
from eyespot.zoo.cards import Model

RANDOM, TRAINED = "random", "train"
TORCH = ("torch", "litert-torch")
LOAD_TRAINED = "eyespot.weights.state_dicts:load_safetensors"
LOAD_RANDOM = "eyespot.weights.stand_in:fill_stand_in"


class Source(NamedTuple):
    """Weights: their name, file (None: random ones), importer, digests, and what is known of them."""

    name: str
    path: Path | None
    importer: str
    inputs: Mapping[str, str]
    facts: Mapping[str, Any]


def convert(card: Model, weights: str | None, folder: ModelFolder) -> Artifact:
    """Write float32.tflite. A published float32 .tflite file is adopted, which needs no torch.

    `weights` is as `eyespot convert` takes it. MissingDataError if there are none, BadFileError if they
    belong to another model.
    """
    source, contract = _source(card, weights, folder), registry.contract(card.name)
    _settle_data(source, folder.path)
    if "classes" in source.facts:  # of the user's data
        classes = tuple(source.facts["classes"])
        try:
            contract = replace(contract, preprocessing=decode(source.facts), classes=classes)
            contract = replace(contract, confidence=decode_confidence(source.facts))
        except ValueError as error:
            raise BadFileError(
                f"{source.path}: its sidecar has no valid preprocessing or confidence ({error}). Train again."
            ) from error
    file = read(source.path) if source.path and source.path.suffix == ".tflite" else None
    if adopted := file is not None and file.precision == "float32":
        model = repair(file.data)
        adopt(model)
    else:
        model = _converted(card, contract, source)
    facts = handed_on(source.facts)
    return save_float32(folder, model, contract, source.name, source.inputs, facts, () if adopted else TORCH)


def _settle_data(source: Source, folder: Path) -> None:
    """Leave beside the new file what is known of the data of its weights, and nothing else."""
    origin = source.path.parent if source.path and source.name == TRAINED else None
    if origin is None or origin.resolve() != folder.resolve():
        catalogue.forget_data(folder)
    if origin:
        catalogue.hand_on_data(origin, folder)


def _converted(card: Model, contract: Contract, source: Source) -> Any:
    from eyespot.conversion.pytorch import to_tflite

    architecture = str(source.facts.get("architecture", ""))
    network = registry.imported(hub.network(card, architecture))(len(contract.classes))
    registry.imported(source.importer)(network, source.path or card.preprocessing)
    return repair(to_tflite(network, contract.preprocessing))


def save_float32(
    folder: ModelFolder, model: Any, contract: Contract, weights: str, inputs: Mapping[str, str],
    facts: dict[str, Any], packages: Sequence[str] = (),
) -> Artifact:  # fmt: skip
    """Write a repaired object form as float32.tflite; an int8.tflite that was made from another one is removed.

    `weights` names its source, `inputs` holds the digests.
    """
    record = {"verb": "convert", "model": contract.model, "arguments": {"weights": weights}, "inputs": inputs}
    path = folder.path / FLOAT32
    before = digest_file(path) if path.exists() else ""
    data = finish(model, contract, record)
    saved = folder.save(FLOAT32, data, **record, tools=tools(*packages), facts=facts)
    if before != saved.sha256 or not folder.may_be_from(INT8, saved):
        folder.discard(INT8)
    return saved


def _source(card: Model, weights: str | None, folder: ModelFolder) -> Source:
    if weights == RANDOM:
        inputs = {"weights": digest(b"random, seed 0")}
        return Source(RANDOM, None, LOAD_RANDOM, inputs, {"stand_in": RANDOM})
    if weights is None or weights.endswith(".safetensors"):
        return _trained(card, Path(weights) if weights else folder.path / WEIGHTS)
    chosen = published.named(card, weights)
    path = published.locate(chosen)
    facts = {"stand_in": chosen.name} if chosen.stand_in else {}
    return Source(chosen.name, path, chosen.importer, published.digests(chosen, path), facts)


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
    return Source(TRAINED, path, LOAD_TRAINED, inputs, record.facts if record else {})
