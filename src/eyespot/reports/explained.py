"""What `check --explain` found, as people read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from rich.console import Group, RenderableType
from rich.text import Text

from eyespot.devices.explain import Explained, Place, Placed
from eyespot.reports import words
from eyespot.reports.styled import Cells, styled, table

WORDS: dict[Place, str] = {"npu": "NPU", "cpu": "CPU", "unknown": "unknown", "nowhere": "does not run"}
STYLES: dict[Place, str] = {"npu": "green", "cpu": "yellow", "unknown": "magenta", "nowhere": "red"}


def explained(many: tuple[Explained, ...]) -> Group:
    """For each device how many operators run where, and under it those that break a constraint."""
    return Group(*(part for each in many for part in _device(each)))


def counted(e: Explained) -> str:
    """How many operators run where."""
    places = Counter(each.place for each in e.operators)
    named = {"npu": "on the NPU", "cpu": "on the CPU", "unknown": "unknown", "nowhere": "that do not run"}
    return ", ".join(f"{n:,} {named[place]}" for place, n in places.items()) or "no operators"


def _device(e: Explained) -> Iterator[RenderableType]:
    yield styled(f"{e.device}: {counted(e)}", "bold")
    yield styled(f"{e.verdict.status}: {words.reason(e.verdict)}", "dim")
    rows = [row for each in e.operators for row in _operator(each)]
    if rows:
        yield table("", "operator", "runs on", "why, and what helps", rows=rows)
    yield from (styled(f"written: {path}") for path in e.files)


def _operator(o: Placed) -> Iterator[Cells]:
    """All constraints with one mend, and under them the mend."""
    heads: Cells = (str(o.number), o.name, Text(WORDS[o.place], STYLES[o.place]))
    for (mend, cost), many in groupby(o.broken, lambda each: (each.mend, each.cost)):
        for each in many:
            yield *heads, styled(f"{each.constraint} ({each.tool})")
            heads = ("", "", "")
            yield *heads, styled(f"[{each.source}]", "dim")
        yield *heads, styled(f"{mend[:1].upper()}{mend[1:]}. Cost: {cost}.", "green")
