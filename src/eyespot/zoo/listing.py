"""Which models there are, and which of them fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from operator import le

from eyespot.artifacts import places
from eyespot.artifacts.measurements import Status
from eyespot.artifacts.model_folder import INT8
from eyespot.nouns import Noun
from eyespot.zoo import provenance, registry
from eyespot.zoo.cards import Model
from eyespot.zoo.models import MODELS


@dataclass(frozen=True, kw_only=True, repr=False)
class Listed(Noun):
    """A model in one line. Sizes are bytes; operations, top-1 and arena are those of the int8 file.

    `images` names the data set of the n images of top-1, `low` and `high` bound its 95 % interval, `stand_in` names
    the weights that replace the publisher's. `here` says that its files are on this machine; if not, `build` is
    the command that builds them. `latency` is the least measured on each machine, in ms. `runs` and `npu` are the
    verdicts on the device that was asked for; `best` says that no other model listed, measured on the same images,
    is better for the same.
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
    low: float | None = None
    high: float | None = None
    here: bool = True
    build: str | None = None
    latency: Mapping[str, float] = field(default_factory=dict)
    runs: Status | None = None
    npu: Status | None = None
    best: bool = False


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


def build_command(card: Model) -> str:
    """What builds a model's files on this machine."""
    if not card.weights:
        return f"eyespot train {card.name}"
    calibrates = "" if (places.data_root() / card.data).is_dir() else " --calibration FOLDER"
    return f"eyespot make {card.name}{calibrates}"


def _listed(card: Model, device: str) -> Listed:
    float32, int8 = (provenance.record(card.name, precision) for precision in ("float32", "int8"))
    measured, spec = provenance.shown_accuracy(card.name, "int8"), card.preprocessing
    checked = {c.device: c for c in provenance.compatibility(card.name)}
    found, here = checked.get(device), (registry.home(card.name) / INT8).is_file()
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
        low=measured.low if measured else None,
        high=measured.high if measured else None,
        here=here, build=None if here else build_command(card),
        latency=provenance.latency(card.name, "int8"),
        runs=found.runs.status if found else None,
        npu=found.npu.status if found and found.npu else None,
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
