"""What `show` finds out about one model, one file or the files of a folder; it measures nothing."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eyespot.artifacts import benchmarks, measurements
from eyespot.artifacts.measurements import Compatibility, Evaluation
from eyespot.artifacts.model_folder import FLOAT32, INT8, Artifact
from eyespot.artifacts.reliability import Reliability, reliabilities
from eyespot.artifacts.training_cost import TrainingCost, training_cost
from eyespot.errors import MissingDataError
from eyespot.nouns import Noun
from eyespot.preprocessing.spec import Contract
from eyespot.reports.page.gather import Part, Subject, gather
from eyespot.tflite.read import File, Tensor
from eyespot.zoo import provenance, registry
from eyespot.zoo.cards import Model
from eyespot.zoo.listing import build_command
from eyespot.zoo.models import MODELS


@dataclass(frozen=True, kw_only=True, repr=False)
class FileFacts(Noun):
    """What a model file says of itself, its most telling accuracies first, and the artifacts behind it.

    `refused` says why there is no accuracy, as of stand-in weights.
    """

    path: Path
    bytes: int
    sha256: str
    precision: str
    operations: int
    operators: tuple[str, ...]
    input: Tensor
    output: Tensor
    evaluations: tuple[Evaluation, ...]
    refused: str
    chain: tuple[Artifact, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Shown(Noun):
    """A model, its files on this machine, and their measurements; `next` are commands, the most useful first.

    `title` is what it is in a line. `card` is the model of ours that it is or comes from. Without files here, the
    measurements are of those that we built. `latency` is the least on each machine, in ms. `full` asks the terminal
    for all of it.
    """

    name: str
    title: str
    card: Model | None
    contract: Contract | None
    files: tuple[FileFacts, ...]
    evaluations: tuple[Evaluation, ...]
    reliabilities: tuple[Reliability, ...]
    training: TrainingCost | None
    compatibility: tuple[Compatibility, ...]
    latency: Mapping[str, float]
    next: tuple[str, ...]
    full: bool = False


def shown(model: str, *, full: bool = False) -> tuple[Shown, ...]:
    """All that is known of MODEL; of each file in a folder that holds several. Errors as `gather`."""
    names = [card.name for card in MODELS]
    if model in names and not (registry.home(model) / INT8).is_file():
        return (_unbuilt(registry.model(model), full),)
    if model not in names and Path(model).is_dir():
        return tuple(_shown(gather(each), each, full) for each in _within(Path(model)))
    return (_shown(gather(model), model, full),)


def _within(folder: Path) -> list[str]:
    """The folder itself where `train` or `make` wrote it, else its files."""
    if any((folder / name).is_file() for name in (INT8, FLOAT32)):
        return [str(folder)]
    files = sorted(map(str, folder.glob("*.tflite")))
    if not files:
        raise MissingDataError(f"{folder}: holds no .tflite file; if it holds pictures: eyespot inspect {folder}")
    return files


def _shown(s: Subject, asked: str, full: bool) -> Shown:
    origin = s.card if s.origin == "built" else None
    return Shown(
        name=s.name, title=_title(s), card=s.card, contract=s.contract,
        files=tuple(_facts(part, part.file) for part in s.parts if part.file),
        evaluations=measurements.evaluations(origin.name) if origin else _evaluations(s.parts),
        reliabilities=s.reliabilities, training=s.cost,
        compatibility=s.compatibility, latency=_latency(s), full=full,
        next=(*_next(s, shlex.quote(asked)), *_more(shlex.quote(asked), full)),
    )  # fmt: skip


def _unbuilt(card: Model, full: bool) -> Shown:
    """A model of ours whose files are not here: what we measured of them."""
    records = [each for precision in registry.PRECISIONS if (each := provenance.record(card.name, precision))]
    made = {each for record in records for each in record.inputs.values()}
    title = f"{card.title}, {len(registry.dataset(card.data).classes):,} classes of {card.data}; not built here"
    return Shown(
        name=card.name, title=title, card=card, contract=registry.contract(card.name), files=(),
        evaluations=measurements.evaluations(card.name), training=training_cost(card.name, made),
        reliabilities=reliabilities(card.name, {record.sha256 for record in records}),
        compatibility=provenance.compatibility(card.name),
        latency=provenance.latency(card.name, "int8"), full=full,
        next=(
            build_command(card), f"eyespot train {card.name} --data my-pictures/ --out mine/",
            *_more(card.name, full),
        ),
    )  # fmt: skip


def _more(asked: str, full: bool) -> list[str]:
    return [] if full else [f"eyespot show {asked} --all"]


def _evaluations(parts: tuple[Part, ...]) -> tuple[Evaluation, ...]:
    return tuple(e for part in parts for e in part.evaluations)


def _latency(s: Subject) -> Mapping[str, float]:
    if s.origin == "built":
        return provenance.latency(s.name, s.main.precision)
    kept = benchmarks.benchmarks(s.contract.model, {s.main.sha256}) if s.contract else ()
    return {b.machine.name: b.fastest.typical for b in reversed(kept)}


def _title(s: Subject) -> str:
    if s.contract is None:
        return "a .tflite file without a contract"
    count = f"{len(s.contract.classes):,} classes"
    if s.origin == "built" and s.card:
        return f"{s.card.title}, {count} of {s.card.data}"
    tuned = s.card and any("training_images" in link.facts for link in s.main.chain)
    return f"{s.contract.model}, fine-tuned, {count}" if tuned else f"{s.contract.model}, {count}"


def _facts(part: Part, file: File) -> FileFacts:
    return FileFacts(
        path=file.path, bytes=len(file.data), sha256=file.sha256, precision=file.precision,
        operations=file.operations, operators=file.operators, input=file.input, output=file.output,
        evaluations=part.evaluations, refused=part.refused, chain=part.chain,
    )  # fmt: skip


def _next(s: Subject, asked: str) -> tuple[str, ...]:
    """What to do with it: what it lacks first."""
    if s.contract is None:
        return (f"eyespot doctor {asked} --data FOLDER", f"eyespot check {asked} --explain")
    try_it = f"eyespot predict {asked} photos/"
    if s.origin == "built":
        return (
            try_it,
            f"eyespot train {s.name} --data my-pictures/ --out mine/",
            f"eyespot make {s.name} --device imx93",
        )
    if s.origin == "own":
        quantized = s.part("int8") is not None
        board = f"eyespot make {asked} --device imx93" if quantized else f"eyespot quantize {asked}"
        return (try_it, board, f"eyespot report {asked} --html")
    return (try_it, f"eyespot check {asked} --device imx93", f"eyespot evaluate {asked} --data FOLDER")
