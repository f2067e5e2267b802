"""Which models there are, and which of them fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf

from eyespot.artifacts.measurements import Compatibility, Status
from eyespot.artifacts.sidecars import Artifact
from eyespot.nouns import Noun
from eyespot.zoo import provenance, results
from eyespot.zoo.cards import Model
from eyespot.zoo.models import MODELS


@dataclass(frozen=True, kw_only=True, repr=False)
class Listed(Noun):
    """A model in one line. Sizes are bytes; operations, top-1 and arena are those of the int8 file.

    `runs` and `npu` are the verdicts on the device that was asked for; `best` says that no other model of
    its data set among those listed is better for the same.
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
    runs: Status | None = None
    npu: Status | None = None
    best: bool = False


def models(device: str | None = None) -> tuple[Listed, ...]:
    """Our models, with their verdicts on the device of that name."""
    return tuple(_listed(card, device) for card in MODELS)


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


def _listed(card: Model, device: str | None) -> Listed:
    measured, int8 = results.accuracy(card.name, "int8"), provenance.record(card.name, "int8")
    checked = {c.device: c for c in results.compatibility(card.name)}
    here = checked.get(device) if device else None
    spec = card.preprocessing
    return Listed(
        name=card.name, title=card.title, data=card.data, parameters=card.parameters,
        input=f"{spec.width}x{spec.height}x{spec.channels}",
        operations=int8.facts["operations"] if int8 else card.operations,
        float32_bytes=_size(provenance.record(card.name, "float32")),
        int8_bytes=_size(int8),
        arena=_arena(checked.values()),
        top1=measured.top1 if measured else None,
        n=measured.n if measured else None,
        runs=here.runs.status if here else None,
        npu=here.npu.status if here and here.npu else None,
    )  # fmt: skip


def _size(record: Artifact | None) -> int | None:
    return int(record.facts["bytes"]) if record else None


def _arena(checked: Iterable[Compatibility]) -> int | None:
    """The bytes of arena that `check` measured, the same for all devices."""
    sizes = (f.quantities["used"].value for c in checked for f in c.findings if f.check == "arena")
    size = next(sizes, None)
    return None if size is None else int(size)


def _known(value: int | None) -> float:
    return inf if value is None else value


def _best(model: Listed, others: Iterable[Listed]) -> bool:
    """Whether no other model of the data set is as good in everything and better in something."""
    costs = _costs(model)
    rivals = [_costs(m) for m in others if m.data == model.data and m.top1 is not None]
    return model.top1 is not None and not any(
        each != costs and all(theirs <= ours for theirs, ours in zip(each, costs, strict=True))
        for each in rivals
    )


def _costs(model: Listed) -> tuple[float, float, float]:
    return -(model.top1 or 0), _known(model.arena), model.operations
