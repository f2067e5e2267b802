"""A finished training as people read it: what it is worth, then its files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from rich.console import Group, RenderableType

from eyespot.reports import words
from eyespot.reports.styled import Cells, styled, table
from eyespot.reports.terminal import rendered
from eyespot.training.outcome import Simpler, Training

SHOWN = 20  # classes
BEST = "mobilenet-v2"  # the model whose features suit most pictures
CHOICES = {"last": "last layer alone", "all": "all layers"}


def trainings(many: tuple[Training, ...]) -> Group:
    """Each training: accuracy, what it is compared with, the classes, files, and what to do next."""
    return Group(*(part for each in many for part in _training(each)))


def _training(t: Training) -> Iterator[RenderableType]:
    validation = f"{t.validation_top1:.4f} [{t.low:.3f}, {t.high:.3f}], n = {t.n:,}"
    rows: list[Cells] = [("validation", validation), ("training", words.accuracy(t.training))]
    rows += [(CHOICES[name], f"{each.top1:.4f}{chosen(t, name)}") for name, each in t.tried.items() if len(t.tried) > 1]
    rows += [("linear model", _simpler(t.linear)), ("most frequent class", _simpler(t.prior))]
    yield table("", "top-1 [95 %]", rows=rows)
    yield ""
    weakest = sorted(t.per_class.items(), key=lambda each: each[1].top1)[:SHOWN]
    listed = t.per_class.items() if len(t.per_class) <= SHOWN else weakest
    title = "class" if len(t.per_class) <= SHOWN else f"weakest of {len(t.per_class):,} classes"
    yield table(title, "validation [95 %]", rows=[(name, words.accuracy(each)) for name, each in listed])
    yield ""
    yield from map(styled, advice(t))
    if dropped := [f"{n:,} {reason}" for reason, n in t.dropped.items() if n]:
        yield styled(f"left out: {', '.join(dropped)}")
    files = [(f"{t.folder / each.file}", styled(f"sha256 {each.sha256}", "dim")) for each in (t.float32, t.weights)]
    yield table("", "", rows=files)
    if t.int8:
        yield rendered(t.int8)
    following = "evaluate" if t.int8 else "quantize"
    yield styled(f"next: eyespot {following} {shlex.quote(str(t.folder))}", "bold")


def chosen(t: Training, name: str) -> str:
    """Marks the layers that stay."""
    return " (chosen)" if name == t.layers else ""


def _simpler(s: Simpler) -> str:
    return f"{s.top1:.4f}; the network gains {100 * s.gain:+.1f} points [{100 * s.low:+.1f}, {100 * s.high:+.1f}]"


def advice(t: Training) -> Iterator[str]:
    """What the user should know: that a linear model does as well, and what to do about it."""
    if t.linear.gain <= 0:
        better = "do better" if t.linear.gain < 0 else "do as well"
        yield (
            f"Raw pixels {better}: a linear model on 16 x 16 pixels is right on {t.linear.top1:.3f} of the "
            f"{t.n:,} validation images, the network on {t.validation_top1:.3f}. {_start(t)}"
        )
    elif t.linear.low <= 0:
        yield (
            f"It may be no better than a linear model on raw pixels: the {t.n:,} validation images are too few "
            f"to tell. {_start(t)}"
        )


def _start(t: Training) -> str:
    """A better start than this one."""
    if not t.tried:
        return "Train longer."
    if t.layers == "last" and "all" not in t.tried:
        return "Try --layers all."
    if t.weights.model != BEST:
        return f"A better start: eyespot train {BEST} with the same --data."
    return "Add pictures, above all of the weakest classes."
