"""convert: weights to float32.tflite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eyespot import published, registry
from eyespot.artifact import digest, digest_file, load, save, sidecar, tools
from eyespot.cards import Artifact, Model, Weights
from eyespot.errors import BadFileError, MissingDataError, UnknownNameError
from eyespot.tflite.adopt import adopt
from eyespot.tflite.clean import clean
from eyespot.tflite.read import describe, read
from eyespot.verbs.train import WEIGHTS

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
    source = _published(card, weights)
    path = published.locate(source) if source else _trained(card, weights, folder)
    record: dict[str, Any] = {
        "verb": "convert",
        "model": model,
        "arguments": {"weights": source.name if source else RANDOM if path is None else "train"},
        "inputs": {"weights": digest_file(path) if path else digest(b"random, seed 0")},
    }
    adopted = source is not None and _is_float32(path)
    raw = adopt(path.read_bytes()) if adopted and path else _converted(card, source, path)
    data = clean(raw, registry.contract(model), record)
    stand_in = path is None or (source is not None and source.stand_in)
    facts = describe(data) | ({"stand_in": record["arguments"]["weights"]} if stand_in else {})
    used = tools() if adopted else tools("torch", "litert-torch")
    return save(folder / "float32.tflite", data, **record, tools=used, facts=facts)


def _published(card: Model, name: str | None) -> Weights | None:
    """The published weights of that name; None where the name means something else."""
    known = {w.name: w for w in card.weights}
    if name is None or name == RANDOM or name.endswith(".safetensors"):
        return None
    if name not in known:
        raise UnknownNameError(f"published weights of {card.name}", name, [*known, RANDOM])
    return known[name]


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


def _is_float32(path: Path | None) -> bool:
    """Whether published weights are a whole float32 model already."""
    return path is not None and path.suffix == ".tflite" and read(path).precision == "float32"


def _converted(card: Model, source: Weights | None, path: Path | None) -> bytes:
    """The network with its weights, converted by litert-torch."""
    from eyespot.networks.export import to_tflite
    from eyespot.networks.stand_in import fill_stand_in
    from eyespot.networks.state_dicts import load_safetensors

    network = registry.imported(card.network)(len(registry.dataset(card.data).classes))
    if path is None:
        fill_stand_in(network, card.input)
    elif source is None:
        load_safetensors(network, path)
    else:
        registry.imported(source.importer)(network, path)
    return to_tflite(network, card.input)
