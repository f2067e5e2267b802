"""list: the models."""

from __future__ import annotations

from eyespot import provenance, results
from eyespot.cards import Listed, Model
from eyespot.models import MODELS


def list_models() -> tuple[Listed, ...]:
    """Say which models there are, how large they are, and how accurate in int8.

    Example: eyespot list --json
    """
    return tuple(_listed(card) for card in MODELS)


def _listed(card: Model) -> Listed:
    measured = results.accuracy(card.name, "int8")
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
        top1=measured.top1 if measured else None,
        n=measured.n if measured else None,
    )


def _size(model: str, precision: str) -> int | None:
    """Bytes of the file on this machine, or of the one that was measured by us."""
    found = provenance.record(model, precision)
    return int(found.facts["bytes"]) if found else None
