"""An inspection as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from eyespot.data.inspected import Inspection
from eyespot.escaping import terminal
from eyespot.reports.styled import styled, table

SHOWN = 20  # of a list; --json has all


def inspections(many: tuple[Inspection, ...]) -> Group:
    """What there is, what was found, and what to mend."""
    return Group(*(part for each in many for part in _inspection(each)))


def _inspection(i: Inspection) -> Iterator[RenderableType]:
    skipped = f"; {i.skipped:,} files that are no images were skipped" if i.skipped else ""
    yield styled(f"{i.data}: {i.images:,} images of {len(i.counts):,} classes{skipped}", "bold")
    yield _counts(i)
    yield styled(f"largest to smallest class {i.imbalance:.3g}; always answering {i.commonest} gives {i.prior:.3f}")
    sides = (f"{name} {low:,} to {high:,} (median {middle:,})" for name, (low, middle, high) in _sides(i))
    yield styled(f"{', '.join(sides)} pixels; {', '.join(f'{form} {n:,}' for form, n in i.forms.items())}")
    yield from _list("broken files", [(each.file, each.why) for each in i.broken])
    worst = sorted(i.copies, key=lambda c: (-len(c.parts), -len(c.classes)))
    yield from _list("copies", [(" = ".join(c.files[:3]), _where(c.exact, c.parts, c.classes)) for c in worst])
    doubts = [(d.file, f"is {d.label}, looks like {d.likely}", f"{100 * d.probability:.0f} %") for d in i.doubts]
    yield from _list(f"labels that may be wrong, by the features of {i.features}", doubts)
    yield from (styled(each, "dim") for each in i.notes)
    yield Text("\nwhat to mend, the most important first" if i.mend else "\nnothing to mend was found", "bold")
    yield from (styled(f"{place}. {each}") for place, each in enumerate(i.mend, 1))
    yield styled(f"next: {i.next}")


def _counts(i: Inspection) -> RenderableType:
    parts = list(next(iter(i.counts.values()), {}))
    rows = [(name, *(f"{by_part[part]:,}" for part in parts)) for name, by_part in i.counts.items()]
    more = [(f"and {len(rows) - SHOWN:,} more", *("" for _ in parts))] if len(rows) > SHOWN else []
    return table("class", *parts, rows=[*rows[:SHOWN], *more])


def _sides(i: Inspection) -> tuple[tuple[str, tuple[int, int, int]], ...]:
    return ("width", i.widths), ("height", i.heights)


def _where(exact: bool, parts: Sequence[str], classes: Sequence[str]) -> str:
    places = [f"in {' and '.join(each)}" for each in (parts, classes) if len(each) > 1]
    return ", ".join(["same pixels" if exact else "nearly the same", *places])


def _list(title: str, rows: Sequence[Sequence[str]]) -> Iterator[RenderableType]:
    """A heading with the number of rows, and the first rows."""
    if rows:
        yield Text(f"\n{terminal(title)}: {len(rows):,}", "bold")
        yield table(*("" for _ in rows[0]), rows=[(f"  {row[0]}", *row[1:]) for row in rows[:SHOWN]])
        if len(rows) > SHOWN:
            yield styled(f"  and {len(rows) - SHOWN:,} more (--json has all)", "dim")
