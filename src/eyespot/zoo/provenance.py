"""Where a model's files come from, and which measurements stand for them.

Files made from published weights do not ship, but their sidecars do. So a shipped measurement says which
file it is of, and a file that you build is compared with that one by digest.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from eyespot.artifacts import benchmarks, measurements, places
from eyespot.artifacts.measurements import Compatibility, Evaluation
from eyespot.artifacts.model_folder import Artifact, ModelFolder, read_sidecar, sidecar
from eyespot.escaping import file_name
from eyespot.preprocessing.spec import Damage
from eyespot.zoo import registry
from eyespot.zoo.cards import Model
from eyespot.zoo.datasets import DATASETS
from eyespot.zoo.models import MODELS

if TYPE_CHECKING:
    from eyespot.tflite.read import File

Chain = tuple[Artifact, ...]


def chains(model: str) -> dict[str, Chain]:
    """The chains of a model's files, by the files' digests: those here and those that we measured.

    BadFileError if a sidecar does not match its file.
    """
    folders = map(ModelFolder, _folders(model))
    every = [f.chain(f"{name}.tflite") for f in folders for name in registry.PRECISIONS]
    return {links[0].sha256: links for links in every if links}


def record(model: str, precision: str) -> Artifact | None:
    """The sidecar of a model's file on this machine, or else of the one that we measured.

    It is not compared with its file, as hashing files would make `eyespot list` slow.
    """
    return next(_records(model, precision), None)


def digests(model: str, precision: str) -> set[str]:
    """The sha256 of the file on this machine and of the one that we measured, by their sidecars."""
    return {record.sha256 for record in _records(model, precision)}


def _records(model: str, precision: str) -> Iterator[Artifact]:
    paths = (folder / f"{precision}.tflite" for folder in _folders(model))
    return (read_sidecar(path) for path in paths if sidecar(path).exists())


def _folders(model: str) -> tuple[Path, ...]:
    """Where sidecars of a model's files lie; the files themselves may be absent."""
    return tuple(dict.fromkeys((registry.home(model), places.ZOO / file_name(model))))


def stand_in(record: Artifact) -> str:
    """The name of what replaces a file's genuine weights, or ""."""
    return str(record.facts.get("stand_in", ""))


def untrained(record: Artifact) -> str:
    """The name of weights that nobody trained, such as random ones, so that accuracy means nothing, or "".

    Other stand-ins are published: their accuracy is their own, and is shown with their name.
    """
    name = stand_in(record)
    published = (weights.name for card in MODELS if card.name == record.model for weights in card.weights)
    return "" if name in published else name


def trained_here(links: Chain) -> bool:
    """Whether the chain ends at a training of ours, so that the images that trained the file are known."""
    return bool(links) and links[-1].verb == "train"


def made_from(links: Chain, data_digest: str) -> str:
    """Whether images of that digest "trained" or "calibrated" the file, or ""."""
    uses = {"train": "trained", "calibration": "calibrated"}
    return next((use for link in links for name, use in uses.items() if link.inputs.get(name) == data_digest), "")


def broken(card: Model, links: Chain) -> str:
    """Why a chain is not verified, or "": it must end at our own training or at a digest in the card."""
    last = links[-1]
    if last.verb == "train":
        return ""
    name, weights = str(last.arguments.get("weights")), last.inputs.get("weights", "")
    source = next((each for each in card.weights if each.name == name), None)
    if source is None:
        return f"the chain ends at {last.file}, made from unknown weights {weights[:12]}"
    if not source.download.digest:
        return f"not verified: no digest of {source.file} was published"
    if last.inputs.get("archive", f"sha256:{weights}") == source.download.digest:
        return ""
    return f"the chain ends at {last.file}, made from other weights {weights[:12]} than {name} publishes"


def accuracy(model: str, precision: str, data: str | None = None, under: Damage | None = None) -> Evaluation | None:
    """The user's own measurement or else the shipped one: test split, LiteRT's own kernels.

    On the model's own data set, unless `data` names another; `under` names the damage to its images.
    """
    card, ours = registry.dataset(data or registry.model(model).data), digests(model, precision)
    parts = (model, precision, card.name, card.test, "xnnpack", *([under] if under else []), "json")
    return next((e for e in measurements.named(".".join(parts)) if e.artifact in ours), None)


def alike(model: str) -> tuple[str, ...]:
    """The data sets with a model's classes: its own, then the others in the order in which they are shown."""
    own = registry.dataset(registry.model(model).data)
    return own.name, *(each.name for each in DATASETS if each.classes == own.classes and each.name != own.name)


def shown_accuracy(model: str, precision: str) -> Evaluation | None:
    """The accuracy on the first of the data sets `alike` that it was measured on."""
    measured = (accuracy(model, precision, data) for data in alike(model))
    return next(filter(None, measured), None)


def robustness(model: str, data: str) -> dict[Damage, Evaluation]:
    """How accurate an int8 file is on damaged images of a data set, as far as it was measured."""
    measured = {under: accuracy(model, "int8", data, under) for under in get_args(Damage)}
    return {under: evaluation for under, evaluation in measured.items() if evaluation}


def latency(model: str, precision: str) -> dict[str, float]:
    """The least measured latency of a model's file on each machine, in ms: its median with the best threads."""
    least = dict[str, float]()
    measured = benchmarks.benchmarks(model, digests(model, precision))
    for name, b in zip(benchmarks.labels(measured), measured, strict=True):
        least[name] = min(b.fastest.typical, least.get(name, inf))
    return least


def name_of(file: File, model: str) -> str:
    """How anybody else names a file in a command: as a model if it is the model's own, else by its own name."""
    known = record(model, file.precision)
    return f"{model}:{file.precision}" if known and known.sha256 == file.sha256 else shlex.quote(file.path.name)


def compatibility(model: str) -> tuple[Compatibility, ...]:
    """The findings on a model's int8 file on all devices; () if there are none."""
    ours = digests(model, "int8")
    return next((c for c in measurements.compatibilities(model) if c and c[0].file in ours), ())
