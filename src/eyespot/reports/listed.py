"""The models in a table: by data set, what is on this machine, and how to build the rest."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.console import Group
from rich.text import Text

from eyespot.reports import words
from eyespot.reports.styled import Cells, styled, table
from eyespot.reports.terminal import coloured
from eyespot.zoo.listing import Listed

MARK = "* best of its data set: none is as good in accuracy, arena and OPS together"
COLUMNS = ("OPS", "int8", "arena", "top-1 int8 [95 %]")


def models(many: tuple[Listed, ...]) -> Group:
    """A line for each model under its data set, then what the marks mean and the commands that build."""
    verdicts = ("runs", "npu") if any(m.runs for m in many) else ()
    latency = ("latency",) if any(m.latency for m in many) else ()
    rows = list(_rows(many, len(verdicts), bool(latency)))
    marks = [styled(MARK, "dim")] if any(m.best for m in many) else []
    listed = table("model", *verdicts, *COLUMNS, *latency, rows=rows)
    return Group(listed, *marks, *_build(many), _next(many))


def _rows(many: tuple[Listed, ...], verdicts: int, latency: bool) -> Iterator[Cells]:
    for data, group in groupby(many, lambda m: m.data):
        of_data = list(group)
        empty = [""] * (verdicts + len(COLUMNS) - 1)
        yield styled(data, "bold"), *empty, styled(_images(data, of_data), "dim")
        for m in of_data:
            yield (*_row(m, verdicts), *([words.latency(m.latency)] if latency else []))


def _images(data: str, many: list[Listed]) -> str:
    """How many images the accuracies are of, and of which data set where it is not the models' own."""
    measured = sorted({(m.images or data, m.n) for m in many if m.n})
    return ", ".join(f"n = {n:,}" + ("" if images == data else f" of {images}") for images, n in measured)


def _row(m: Listed, verdicts: int) -> Cells:
    status = (coloured(m.runs), coloured(m.npu)) if m.runs else ("",) * verdicts
    arena = words.size(m.arena) if m.arena else "?"
    size = words.size(m.int8_bytes) if m.int8_bytes else "?"
    name = styled(f"{'*' if m.best else ' '} {m.name}", "" if m.here else "dim")
    return name, *status, words.size(m.operations, ""), size, arena, _top1(m)


def _top1(m: Listed) -> Text:
    """The accuracy with its interval, and stand-in weights where it is theirs."""
    if m.top1 is None:
        return styled("not measured", "dim")
    shown = styled(words.interval(m.top1, m.low, m.high))
    return Text.assemble(shown, "\n", styled(f"weights {m.stand_in}")) if m.stand_in else shown


def _build(many: tuple[Listed, ...]) -> Iterator[Text]:
    if commands := [m.build for m in many if m.build]:
        yield styled("not on this machine (dim above); to build:", "bold")
        yield from (styled(f"  {each}") for each in commands)


def _next(many: tuple[Listed, ...]) -> Text:
    name = next((m.name for m in many if m.here), many[0].name)
    return styled(f"next: eyespot show {name}", "bold")
