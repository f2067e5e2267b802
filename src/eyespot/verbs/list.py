"""list: the models, and which of them fits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import inf
from pathlib import Path

from eyespot import provenance, registry, results
from eyespot.cards import Compatibility, Listed, Model
from eyespot.devices import device as device_card
from eyespot.errors import RefusedError
from eyespot.models import MODELS
from eyespot.plot import draw
from eyespot.sizes import Bytes


def list_models(
    *,
    device: str | None = None,
    ram: Bytes = None,
    flash: Bytes = None,
    min_accuracy: float | None = None,
    data: str | None = None,
    plot: Path | None = None,
) -> tuple[Listed, ...]:
    """Say which models there are, how large they are, and how accurate in int8.

    Every figure is a shipped measurement or your own; what was not measured fulfils no constraint. Models
    are sorted by accuracy within each data set, as accuracies on different data sets do not compare. Best
    are those that no other listed model of the same data set equals in accuracy, arena and multiply-adds
    while beating them in one.

    Example: eyespot list --device mcxn947 --ram 256k --flash 1M --min-accuracy 0.8

    Parameters
    ----------
    device
        Only models that run on it, with their verdicts there.
    ram
        Only models whose arena fits, such as 256k.
    flash
        Only models whose int8 file fits, such as 1M.
    min_accuracy
        Only models with this top-1 of the int8 file or more, from 0 to 1.
    data
        Only models of this data set.
    plot
        A PNG file to draw accuracy against arena and multiply-adds to.
    """
    if min_accuracy is not None and not 0 <= min_accuracy <= 1:
        raise RefusedError(f"--min-accuracy {min_accuracy:g}: is no share; give one from 0 to 1, such as 0.8")
    asked = device_card(device).name if device else None
    wanted = registry.dataset(data).name if data else None
    found = [_listed(card, asked) for card in MODELS if wanted in {None, card.data}]
    kept = [
        m
        for m in found
        if (asked is None or m.runs in {"ok", "partial"})
        and (ram is None or _known(m.arena) <= ram)
        and (flash is None or _known(m.int8_bytes) <= flash)
        and (min_accuracy is None or (m.top1 or -1) >= min_accuracy)
    ]
    order = list(dict.fromkeys(m.data for m in kept))
    kept.sort(key=lambda m: (order.index(m.data), -(m.top1 or -1)))
    listed = tuple(replace(m, best=_best(m, kept)) for m in kept)
    if plot:
        draw(listed, plot)
    return listed


def _listed(card: Model, device: str | None) -> Listed:
    measured = results.accuracy(card.name, "int8")
    checked = {c.device: c for c in results.compatibility(card.name)}
    here = checked.get(device) if device else None
    taken = card.input
    return Listed(
        name=card.name,
        title=card.title,
        data=card.data,
        input=f"{taken.width}x{taken.height}x{taken.channels}",
        parameters=card.parameters,
        operations=card.operations,
        float32_bytes=_size(card.name, "float32"),
        int8_bytes=_size(card.name, "int8"),
        arena=_arena(checked.values()),
        top1=measured.top1 if measured else None,
        n=measured.n if measured else None,
        runs=here.runs.status if here else None,
        npu=here.npu.status if here and here.npu else None,
    )


def _size(model: str, precision: str) -> int | None:
    """Bytes of the file on this machine, or of the one that was measured by us."""
    found = provenance.record(model, precision)
    return int(found.facts["bytes"]) if found else None


def _arena(checked: Iterable[Compatibility]) -> int | None:
    """The bytes of arena that `check` measured, the same for all devices; its value begins with them."""
    values = (f.value for c in checked for f in c.findings if f.check == "arena" and f.kind == "measured")
    first = next(values, None)
    return int(first.split()[0].replace(",", "")) if first else None


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
