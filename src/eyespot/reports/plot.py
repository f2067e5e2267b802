"""Pictures: accuracy against what it costs, and what a trained network gets right and wrong."""

from __future__ import annotations

import contextlib
import csv
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from eyespot.artifacts.atomic import replacing
from eyespot.errors import RefusedError
from eyespot.escaping import terminal
from eyespot.reports.labels import Point, place
from eyespot.training.outcome import Answers, Epoch
from eyespot.zoo.listing import Listed

COSTS: dict[str, Callable[[Listed], float | None]] = {
    "arena, kB": lambda model: model.arena / 1000 if model.arena else None,
    "multiply-adds, millions": lambda model: model.operations / 2e6,
}
WORST, COLUMNS = 12, 4
DPI = 120
LABEL = 40  # characters of a class name
CSV: dict[str, Any] = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}
NUMBERED = 20  # classes up to which a confusion matrix shows its numbers


@contextlib.contextmanager
def drawing(path: Path, size: tuple[float, float], *grid: int, **options: Any) -> Iterator[tuple[Any, Any]]:
    """Yield a figure of `size` in inches and its `grid` of panels; write it as PNG when the block ends.

    RefusedError for a name that does not end in .png.
    """
    if path.suffix != ".png":
        raise RefusedError(f"{path}: the plot is a PNG; give a name that ends in .png")
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    yield figure, figure.subplots(*grid, **options)
    with replacing(path) as partial, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # it draws a box
        figure.savefig(partial, format="png", dpi=DPI)


def draw(listed: Sequence[Listed], path: Path) -> None:
    """Draw top-1 with its interval against each cost, a colour for each measured data set, the best ones filled."""
    measured = [model for model in listed if model.top1 is not None]
    with drawing(path, (12, 5.5), 1, len(COSTS), sharey=True) as (_, panels):
        points = [_points(axes, measured, cost) for axes, cost in zip(panels, COSTS.values(), strict=True)]
        for axes, title in zip(panels, COSTS, strict=True):
            axes.set_xlabel(title)
        panels[0].set_ylabel("top-1 of the int8 file, 95 % interval")
        panels[0].set_ylim(top=min(1.02, panels[0].get_ylim()[1]))
        if measured:
            panels[0].figure.legend(title="filled: best of its data set", loc="outside right upper")
        for axes, named in zip(panels, points, strict=True):
            place(axes, named)


def _images(model: Listed) -> str:
    """The data set of its accuracy."""
    return model.images or model.data


def _points(axes: Any, models: Sequence[Listed], cost: Callable[[Listed], float | None]) -> list[Point]:
    """Draw the models whose cost is known; what `place` names."""
    colours = {data: f"C{number}" for number, data in enumerate(dict.fromkeys(map(_images, models)))}
    for data, colour in colours.items():
        axes.scatter([], [], color=colour, label=data if axes.get_subplotspec().is_first_col() else None)
    drawn = []
    for model in models:
        if (x := cost(model)) is not None and model.top1 is not None:
            low, high = model.low or model.top1, model.high or model.top1
            axes.vlines(x, low, high, color=colours[_images(model)], linewidth=1)
            face = colours[_images(model)] if model.best else "white"
            axes.scatter(x, model.top1, edgecolor=colours[_images(model)], facecolor=face, zorder=3)
            drawn.append((x, model.top1, low, high, model.name + ", stand-in weights" * bool(model.stand_in)))
    if drawn:
        axes.set_xscale("log", subs=())
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:,g}")
    axes.margins(x=0.2, y=0.15)  # room for the names
    axes.grid(alpha=0.3)
    return drawn


def write_history(history: Sequence[Epoch], folder: Path) -> None:
    """Write run.csv, a line per epoch, and curves.png, loss and validation accuracy over the epochs."""
    rows = [asdict(epoch) for epoch in history]
    with replacing(folder / "run.csv") as partial, partial.open("w", **CSV) as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    epochs = [entry.epoch for entry in history]
    with drawing(folder / "curves.png", (8, 3.5), 1, 2) as (_, (left, right)):
        left.plot(epochs, [entry.loss for entry in history])
        left.set(xlabel="epoch", ylabel="training loss", yscale="log")
        right.plot(epochs, [100 * entry.validation_top1 for entry in history])
        right.set(xlabel="epoch", ylabel="validation top-1, %")
        right.set_ylim(top=min(100, right.get_ylim()[1]))
        for axes in (left, right):
            axes.grid(visible=True, alpha=0.3)


def draw_answers(answers: Answers, folder: Path) -> None:
    """The confusion matrix and the mistakes: confusion.png, mistakes.png and mistakes.csv."""
    _draw_confusion(folder / "confusion.png", answers)
    _draw_mistakes(folder / "mistakes.png", answers)
    with replacing(folder / "mistakes.csv") as partial, partial.open("w", **CSV) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "class", "answer", "probability"))
        for i in answers.mistakes:
            names = (answers.classes[label] for label in (answers.labels[i], answers.called[i]))
            writer.writerow((answers.file(i), *names, f"{answers.shares[i].max():.4f}"))


def _label(name: str) -> str:
    """A class name that fits into a plot."""
    shown = terminal(name)
    return shown if len(shown) <= LABEL else f"{shown[: LABEL - 3]}..."


def _end(file: str) -> str:
    """The end of a file's name that fits under a picture."""
    shown = terminal(file)
    return shown if len(shown) <= LABEL else f"...{shown[3 - LABEL :]}"


def _draw_confusion(path: Path, answers: Answers) -> None:
    """Rows are classes, columns the network's answers."""
    labels, classes = answers.labels, answers.classes
    named = list(map(_label, classes))
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (labels, answers.called), 1)
    side = min(12.0, 3.5 + 0.45 * len(classes))
    with drawing(path, (side, side)) as (_, axes):
        axes.imshow(counts / np.maximum(counts.sum(1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
        axes.set(xlabel="answer", ylabel="class", title=f"{len(labels):,} validation images")
        if len(classes) <= NUMBERED:
            axes.set_xticks(range(len(classes)), named, rotation=60, ha="right", parse_math=False)
            axes.set_yticks(range(len(classes)), named, parse_math=False)
            for (i, j), count in np.ndenumerate(counts):
                colour = "white" if count > counts[i].sum() / 2 else "black"
                axes.text(j, i, str(count), ha="center", va="center", color=colour)


def _draw_mistakes(path: Path, answers: Answers) -> None:
    """A contact sheet of the mistakes that the network is surest of."""
    labels, shares, classes = answers.labels, answers.shares, answers.classes
    called, wrong = answers.called, answers.mistakes
    worst = wrong[:WORST]
    rows = max(1, -(-len(worst) // COLUMNS))
    with drawing(path, (9, 0.8 + 2.8 * rows), rows, COLUMNS) as (figure, panels):
        for axes in panels.flat:
            axes.axis("off")
        for axes, i in zip(panels.flat, worst, strict=False):
            axes.imshow(answers.image(i).squeeze(), cmap="gray", vmin=0, vmax=255)
            below = {"transform": axes.transAxes, "ha": "center", "va": "top", "parse_math": False}
            axes.text(0.5, -0.03, _end(answers.file(i)), fontsize=7, **below)
            answer = f"called {_label(classes[called[i]])}, {100 * shares[i, called[i]]:.0f} %"
            axes.set_title(f"is {_label(classes[labels[i]])}\n{answer}", fontsize=9, parse_math=False)
        surest = f"; the {len(worst)} surest" if len(wrong) > len(worst) else ""
        figure.suptitle(f"{len(wrong):,} of {len(labels):,} validation images are called wrongly{surest}")
