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

from eyespot.artifacts.atomic import replacing
from eyespot.errors import RefusedError
from eyespot.escaping import terminal
from eyespot.training.outcome import Answers, Epoch
from eyespot.zoo.listing import Listed

COSTS: dict[str, Callable[[Listed], float | None]] = {
    "arena, kB": lambda model: model.arena / 1000 if model.arena else None,
    "multiply-adds, millions": lambda model: model.operations / 2e6,
}
WORST, COLUMNS = 12, 4
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
    figure = Figure(figsize=size, layout="constrained")
    yield figure, figure.subplots(*grid, **options)
    with replacing(path) as partial, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # it draws a box
        figure.savefig(partial, format="png", dpi=120)


def draw(listed: Sequence[Listed], path: Path) -> None:
    """Draw top-1 against each cost, a colour for each data set, the best ones filled."""
    measured = [model for model in listed if model.top1 is not None]
    with drawing(path, (10, 4.5), 1, len(COSTS), sharey=True) as (_, panels):
        for axes, (title, cost) in zip(panels, COSTS.items(), strict=True):
            _points(axes, measured, cost)
            axes.set_xlabel(title)
        panels[0].set_ylabel("top-1 of the int8 file")
        if measured:
            panels[0].legend(title="filled: best of its data set")


def _points(axes: Any, models: Sequence[Listed], cost: Callable[[Listed], float | None]) -> None:
    colours = {data: f"C{number}" for number, data in enumerate(dict.fromkeys(m.data for m in models))}
    for data, colour in colours.items():
        axes.scatter([], [], color=colour, label=data)
    for model in models:
        colour = colours[model.data]
        if (x := cost(model)) is not None:
            axes.scatter(x, model.top1, edgecolor=colour, facecolor=colour if model.best else "none")
            axes.annotate(model.name, (x, model.top1), xytext=(5, 5), textcoords="offset points")
    axes.margins(x=0.4, y=0.2)  # room for the names
    axes.grid(alpha=0.3)


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
