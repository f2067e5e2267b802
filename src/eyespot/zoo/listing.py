"""Which models there are, which of them fit, and everything that is known of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from operator import le
from pathlib import Path
from typing import TYPE_CHECKING

from eyespot.artifacts import measurements
from eyespot.artifacts.measurements import Compatibility, Evaluation, Status
from eyespot.artifacts.model_folder import Artifact, ModelFolder
from eyespot.artifacts.reliability import Reliability, reliabilities
from eyespot.artifacts.training_cost import TrainingCost, training_cost
from eyespot.nouns import Noun
from eyespot.zoo import provenance, registry
from eyespot.zoo.cards import Model
from eyespot.zoo.models import MODELS

if TYPE_CHECKING:
    from eyespot.tflite.read import Tensor


@dataclass(frozen=True, kw_only=True, repr=False)
class Listed(Noun):
    """A model in one line. Sizes are bytes; operations, top-1 and arena are those of the int8 file.

    `images` names the data set of the n images of top-1, `stand_in` the weights that replace the publisher's.
    `latency` is the least measured on each machine, in ms. `runs` and `npu` are the verdicts on the device that
    was asked for; `best` says that no other model listed, measured on the same images, is better for the same.
    """

    name: str
    title: str
    data: str
    input: str
    parameters: int
    operations: int
    float32_bytes: int | None
    int8_bytes: int | None
    arena: int | None
    top1: float | None
    n: int | None
    images: str = ""
    stand_in: str = ""
    latency: Mapping[str, float] = field(default_factory=dict)
    runs: Status | None = None
    npu: Status | None = None
    best: bool = False


@dataclass(frozen=True, kw_only=True, repr=False)
class FileFacts(Noun):
    """What a model file says of itself, and the chain of artifacts behind it."""

    path: Path
    bytes: int
    sha256: str
    operations: int
    operators: tuple[str, ...]
    input: Tensor
    output: Tensor
    chain: tuple[Artifact, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Shown(Noun):
    """A model's card, its files on this machine, their measurements, and what training them cost."""

    card: Model
    files: tuple[FileFacts, ...]
    evaluations: tuple[Evaluation, ...]
    reliabilities: tuple[Reliability, ...]
    training: TrainingCost | None
    compatibility: tuple[Compatibility, ...]


def models(device: str | None = None) -> tuple[Listed, ...]:
    """Our models, with their verdicts on the device of that name."""
    return tuple(_listed(card, device or "") for card in MODELS)


def choose(
    listed: Iterable[Listed], *, runs: bool = False, ram: int | None = None, flash: int | None = None,
    min_accuracy: float | None = None, data: str | None = None,
) -> tuple[Listed, ...]:  # fmt: skip
    """Those that fulfil all constraints, sorted by accuracy within each data set; sizes in bytes.

    What was not measured fulfils no constraint. With `runs` only those that run on their device.
    """
    kept = [
        m
        for m in listed
        if data in {None, m.data}
        and (not runs or m.runs in {"ok", "partial"})
        and (ram is None or _known(m.arena) <= ram)
        and (flash is None or _known(m.int8_bytes) <= flash)
        and (min_accuracy is None or (m.top1 or -1) >= min_accuracy)
    ]
    order = list(dict.fromkeys(m.data for m in kept))
    kept.sort(key=lambda m: (order.index(m.data), -(m.top1 or -1)))
    return tuple(replace(m, best=_best(m, kept)) for m in kept)


def overview(model: str) -> Shown:
    """All that is known of a model. UnknownNameError, or BadFileError as `ModelFolder.record`."""
    card = registry.model(model)
    folder = ModelFolder(registry.home(model))
    records = [record for precision in registry.PRECISIONS if (record := provenance.record(model, precision))]
    return Shown(
        card=card,
        files=tuple(_facts(folder, path.name) for path in sorted(folder.path.glob("*.tflite"))),
        evaluations=measurements.evaluations(model),
        reliabilities=reliabilities(model, {record.sha256 for record in records}),
        training=training_cost(model, {made for record in records for made in record.inputs.values()}),
        compatibility=provenance.compatibility(model),
    )


def _listed(card: Model, device: str) -> Listed:
    float32, int8 = (provenance.record(card.name, precision) for precision in ("float32", "int8"))
    measured, spec = provenance.shown_accuracy(card.name, "int8"), card.preprocessing
    checked = {c.device: c for c in provenance.compatibility(card.name)}
    here = checked.get(device)
    arenas = (f.quantities["used"].value for c in checked.values() for f in c.findings if f.check == "arena")
    return Listed(
        name=card.name, title=card.title, data=card.data, parameters=card.parameters,
        input=f"{spec.width}x{spec.height}x{spec.channels}",
        operations=int8.facts.get("operations", card.operations) if int8 else card.operations,
        float32_bytes=float32.facts.get("bytes") if float32 else None,
        int8_bytes=int8.facts.get("bytes") if int8 else None,
        arena=next((int(size) for size in arenas if size), None),  # the same on all devices
        top1=measured.top1 if measured else None,
        n=measured.n if measured else None,
        images=measured.data if measured else "",
        stand_in=provenance.stand_in(int8) if int8 else "",
        latency=provenance.latency(card.name, "int8"),
        runs=here.runs.status if here else None,
        npu=here.npu.status if here and here.npu else None,
    )  # fmt: skip


def _known(value: int | None) -> float:
    return inf if value is None else value


def _best(model: Listed, others: Iterable[Listed]) -> bool:
    """Whether no other model measured on the same images is as good in everything and better in something."""
    costs = _costs(model)
    rivals = [_costs(m) for m in others if (m.data, m.images) == (model.data, model.images) and m.top1 is not None]
    beaten = any(each != costs and all(map(le, each, costs)) for each in rivals)
    return model.top1 is not None and not beaten


def _costs(model: Listed) -> tuple[float, float, float]:
    return -(model.top1 or 0), _known(model.arena), model.operations


def _facts(folder: ModelFolder, name: str) -> FileFacts:
    file = folder.file(name)
    return FileFacts(
        path=file.path, bytes=len(file.data), sha256=file.sha256, operations=file.operations,
        operators=file.operators, input=file.input, output=file.output, chain=folder.chain(name),
    )  # fmt: skip
