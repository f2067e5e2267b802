"""What `check --explain` found: for the terminal, as a page, and as node data for model-explorer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from eyespot.artifacts.atomic import write
from eyespot.artifacts.lock import held
from eyespot.devices.explain import Explained, Place, Placed
from eyespot.escaping import file_name
from eyespot.reports import words
from eyespot.reports.styled import Cells, styled, table

WORDS: dict[Place, str] = {"npu": "NPU", "cpu": "CPU", "unknown": "unknown", "nowhere": "does not run"}
STYLES: dict[Place, str] = {"npu": "green", "cpu": "yellow", "unknown": "magenta", "nowhere": "red"}
COLOURS: dict[Place, str] = {"npu": "#bbf7d0", "cpu": "#fde68a", "unknown": "#cbd5e1", "nowhere": "#fecaca"}


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


def write_explained(many: tuple[Explained, ...], name: str, folder: Path) -> tuple[Explained, ...]:
    """Write explain.html about all devices, and DEVICE.nodes.json for each; the nouns with these files."""
    from eyespot.reports.page.graph import page

    with held(folder):
        html = write(folder / "explain.html", page(many, name))
        return tuple(replace(e, files=(html, _write_nodes(e, folder))) for e in many)


def _write_nodes(e: Explained, folder: Path) -> Path:
    """Custom node data of model-explorer, which calls a node of a .tflite file by the operator's number."""
    results = {str(o.number): {"value": o.place, "bgColor": COLOURS[o.place]} for o in e.operators}
    return write(folder / f"{file_name(e.device)}.nodes.json", json.dumps({"results": results}, indent=1))
