"""A diagnosis as people read it: lines in the terminal, a bar chart."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Group
from rich.table import Table
from rich.text import Text

from eyespot.errors import RefusedError
from eyespot.evaluation.diagnosis import Diagnosis, Mistake
from eyespot.reports.styled import styled, table

WIDTH = 30  # characters of the longest bar


def diagnoses(many: tuple[Diagnosis, ...]) -> Group:
    """What the file wants, what each mistake costs, and what cannot be told apart."""
    return Group(*(part for each in many for part in _diagnosis(each)))


def _diagnosis(d: Diagnosis) -> Iterable[Table | Text]:
    yield from map(styled, _headline(d))
    if d.using:
        yield styled(f"your pipeline, {d.using.change}, costs {_points(d.using)} points")
    if d.mistakes:
        yield Text("\nwhat each mistake costs, in points of top-1 [95 %]")
        yield _bars(d.mistakes)
    last = [f"next: {d.next}"]
    for identical, said in (
        (False, "cannot be told apart on this data"),
        (True, "identical tensors on these pictures"),
    ):
        if changes := [each.change for each in d.indistinguishable if each.identical is identical]:
            last.insert(0, f"{said}: {', '.join(changes)}")
    yield from map(styled, [*([""] if d.indistinguishable else []), *last])


def _headline(d: Diagnosis) -> Iterable[str]:
    where, found = f"{d.images:,} images of {d.data} {d.split}", d.found
    if found is None:
        yield f"{d.model}: no preprocessing works on {where}"
        yield f"best of {d.tries:,} tests: top-1 {d.best:.3f}; always the commonest class: {d.majority:.3f}"
        return
    low, high = found.interval
    labels = f"; output = class + {found.label_offset}" if found.label_offset else ""
    if found.label_permutation:
        labels = f"; its outputs by class: {', '.join(map(str, found.label_permutation))}"
    yield f"{d.model} wants {found.words}{labels}"
    yield f"certainty at least {found.certainty:.3f} ({d.tries:,} tests on {where})"
    yield f"top-1 {found.top1:.3f} [{low:.3f}, {high:.3f}] on the {found.n:,} images that chose nothing"
    if d.contract != "none":
        yield f"the file's own contract is {d.contract}"


def _points(mistake: Mistake) -> str:
    low, high = mistake.interval
    return f"{mistake.cost:.1f} [{low:.1f}, {high:.1f}]"


def _bars(mistakes: tuple[Mistake, ...]) -> Table:
    most = max(1.0, *(each.cost for each in mistakes))
    bars = ["█" * round(WIDTH * max(0.0, each.cost) / most) for each in mistakes]
    rows = [(f"  {m.change}", _points(m), Text(bar, "red")) for m, bar in zip(mistakes, bars, strict=True)]
    return table("", "", "", rows=rows)


def draw(d: Diagnosis, path: Path) -> None:
    """Draw a bar for each mistake. RefusedError if nothing was found."""
    from eyespot.reports.plot import drawing

    if d.found is None:
        raise RefusedError(f"{path}: not drawn, because no preprocessing works")
    bars = [*([d.using] if d.using else []), *d.mistakes][::-1]
    costs = [each.cost for each in bars]
    reach = [[abs(each.cost - each.interval[side]) for each in bars] for side in (0, 1)]
    with drawing(path, (8, 1.4 + 0.26 * len(bars))) as (_, axes):
        axes.barh(range(len(bars)), costs, xerr=reach, color="C3", ecolor="0.4", height=0.7)
        axes.set_yticks(range(len(bars)), [each.change for each in bars], parse_math=False)
        axes.set_xlabel(f"points of top-1 lost, 95 % interval, n = {d.found.n:,}")
        axes.set_title(f"{d.model} wants {d.found.words}", fontsize=10, parse_math=False)
        axes.grid(axis="x", alpha=0.3)
        axes.margins(y=0.01)
