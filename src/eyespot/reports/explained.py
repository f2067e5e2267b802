"""What `check --explain` found, as people read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from rich.console import Group, RenderableType
from rich.text import Text

from eyespot.devices.explain import Broken, Explained, Place, Placed
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
    left = sum(len(each.left) for each in e.operators)
    parts = [f"{n:,} {named[place]}" for place, n in places.items()]
    return (
        ", ".join([*parts, *([f"{left:,} more on the CPU that the compiler adds"] if left else [])]) or "no operators"
    )


def _device(e: Explained) -> Iterator[RenderableType]:
    yield styled(f"{e.device}: {counted(e)}", "bold")
    yield styled(f"{e.verdict.status}: {words.reason(e.verdict)}", "dim")
    rows = [row for each in e.operators for row in _operator(each)]
    if rows:
        yield table("", "operator", "runs on", "why, and what helps", rows=rows)
    yield from (styled(f"written: {path}") for path in e.files)


def _operator(o: Placed) -> Iterator[Cells]:
    """What keeps it from the NPU, then the same of the operators that the compiler adds behind it."""
    yield from _why((str(o.number), o.name, Text(WORDS[o.place], STYLES[o.place])), o.broken)
    for added in o.left:
        yield from _why((f"{o.number}+", added.name, Text(WORDS["cpu"], STYLES["cpu"])), (added.broken,))


def _why(heads: Cells, broken: tuple[Broken, ...]) -> Iterator[Cells]:
    """All constraints with one mend, and under them the mend."""
    for (mend, cost), many in groupby(broken, lambda each: (each.mend, each.cost)):
        for each in many:
            yield *heads, styled(f"{each.constraint} ({each.tool})")
            heads = ("", "", "")
            yield *heads, styled(f"[{each.source}]", "dim")
        yield *heads, styled(f"{mend[:1].upper()}{mend[1:]}. Cost: {cost}.", "green")
