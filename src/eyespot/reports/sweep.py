"""A sweep as people read it: a table of its settings, sweep.csv with a line per run, and sweep.png."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterator

from rich.console import Group, RenderableType

from eyespot.artifacts.atomic import replacing
from eyespot.reports.plot import CSV, drawing
from eyespot.reports.styled import Cells, styled, table
from eyespot.training.grid import label
from eyespot.training.outcome import Setting, Sweep

DRAWN = 40  # settings, the best


def sweeps(many: tuple[Sweep, ...]) -> Group:
    """Each sweep: its settings, what they tell apart, what failed, and what to do next."""
    return Group(*(part for each in many for part in _sweep(each)))


def _sweep(s: Sweep) -> Iterator[RenderableType]:
    columns = ("validation [95 %]", "deviation", "lowest", "highest", "seeds", "n")
    names = tuple(s.best.fields)
    yield table(*names, *columns, "", rows=[_row(each, best=each == s.best) for each in s.settings])
    yield ""
    others = [each for each in s.settings if each != s.best]
    if near := [label(each.fields) for each in others if each.highest >= s.best.lowest or each.mean >= s.best.low]:
        yield styled(f"Not told apart from the best, by seeds or by {s.best.n:,} images: {'; '.join(near)}.")
    if s.best.deviation is None:
        yield styled("One seed says nothing of the spread; --sweep seeds=3 shows it.")
    for trial in (each for each in s.trials if each.error):
        yield styled(f"{trial.folder.name} failed: {trial.error}")
    yield styled(
        "The best is chosen on validation images, so its top-1 there is too high. Evaluate it on the test.", "dim"
    )
    yield styled(f"runs: {s.folder / 'sweep.csv'}, {s.folder / 'sweep.png'}")
    yield styled(f"next: eyespot quantize {shlex.quote(str(s.chosen))}", "bold")


def _row(s: Setting, *, best: bool) -> Cells:
    values = tuple(str(value).lower() for value in s.fields.values())
    spread = "" if s.deviation is None else f"{s.deviation:.4f}"
    top1 = f"{s.mean:.4f} [{s.low:.3f}, {s.high:.3f}]"
    numbers = (top1, spread, f"{s.lowest:.4f}", f"{s.highest:.4f}", f"{len(s.seeds)}", f"{s.n:,}")
    return *values, *numbers, "best" if best else ""


def write_sweep(s: Sweep) -> None:
    """Write sweep.csv and sweep.png to the sweep's folder."""
    with replacing(s.folder / "sweep.csv") as partial, partial.open("w", **CSV) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*s.best.fields, "seed", "validation_top1", "low", "high", "n", "error"))
        for trial in s.trials:
            v = trial.validation
            numbers = (v.top1, v.low, v.high, v.n) if v else ("",) * 4
            writer.writerow((*trial.fields.values(), trial.seed, *numbers, trial.error))
    _draw(s)


def _draw(s: Sweep) -> None:
    """Every seed as a point and the mean as a line, the best setting on top."""
    shown = sorted(s.settings, key=lambda each: each.mean)[-DRAWN:]
    with drawing(s.folder / "sweep.png", (8, 1.2 + 0.35 * len(shown))) as (_, axes):
        for place, setting in enumerate(shown):
            whole = [t.validation for t in s.trials if t.fields == setting.fields and t.validation]
            colour = "C1" if setting == s.best else "C0"
            axes.plot([100 * each.top1 for each in whole], [place] * len(whole), "o", color=colour, alpha=0.6)
            axes.plot([100 * setting.mean] * 2, [place - 0.3, place + 0.3], color=colour)
        axes.set_yticks(range(len(shown)), [label(each.fields) or s.model for each in shown], parse_math=False)
        axes.set(xlabel=f"validation top-1, %, of each seed and their mean; n = {s.best.n:,}")
        axes.grid(alpha=0.3)
