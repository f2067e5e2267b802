"""What a trained network gets right and wrong on the validation images, as pictures.

They lie in the user's output folder only: pictures of data sets are never passed on.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from eyespot.artifacts.atomic import replacing, write
from eyespot.training.outcome import Answers, Epoch

WORST, COLUMNS = 12, 4
NUMBERED = 20  # classes up to which a confusion matrix shows its numbers


def write_history(history: Sequence[Epoch], folder: Path) -> None:
    """Epoch by epoch: run.csv and curves.png."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(asdict(history[0])), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(entry) for entry in history)
    write(folder / "run.csv", text.getvalue())
    _draw_curves(folder / "curves.png", history)


def _draw_curves(path: Path, history: Sequence[Epoch]) -> None:
    """Loss and validation accuracy over the epochs."""
    figure, (left, right) = _figure((8, 3.5), 1, 2)
    epochs = [entry.epoch for entry in history]
    left.plot(epochs, [entry.loss for entry in history])
    left.set(xlabel="epoch", ylabel="training loss", yscale="log")
    right.plot(epochs, [100 * entry.validation_top1 for entry in history])
    right.set(xlabel="epoch", ylabel="validation top-1, %")
    for axes in (left, right):
        axes.grid(visible=True, alpha=0.3)
    _save(figure, path)


def draw_answers(answers: Answers, folder: Path) -> None:
    """The confusion matrix and the mistakes: confusion.png and mistakes.png."""
    _draw_confusion(folder / "confusion.png", answers)
    _draw_mistakes(folder / "mistakes.png", answers)


def _draw_confusion(path: Path, answers: Answers) -> None:
    """Rows are classes, columns the network's answers."""
    labels, classes = answers.labels, answers.classes
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (labels, answers.shares.argmax(1)), 1)
    side = min(12.0, 3.5 + 0.45 * len(classes))
    figure, axes = _figure((side, side), 1, 1)
    axes.imshow(counts / np.maximum(counts.sum(1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="answer", ylabel="class", title=f"{len(labels):,} validation images")
    if len(classes) <= NUMBERED:
        axes.set_xticks(range(len(classes)), classes, rotation=60, ha="right", parse_math=False)
        axes.set_yticks(range(len(classes)), classes, parse_math=False)
        for (i, j), count in np.ndenumerate(counts):
            dark = count > counts[i].sum() / 2
            axes.text(j, i, str(count), ha="center", va="center", color="white" if dark else "black")
    _save(figure, path)


def _draw_mistakes(path: Path, answers: Answers) -> None:
    """A contact sheet of the mistakes that the network is surest of."""
    labels, shares, classes = answers.labels, answers.shares, answers.classes
    called = shares.argmax(1)
    wrong = np.flatnonzero(called != labels)
    worst = sorted(wrong, key=lambda i: -shares[i, called[i]])[:WORST]
    rows = max(1, -(-len(worst) // COLUMNS))
    figure, panels = _figure((9, 0.8 + 2.6 * rows), rows, COLUMNS)
    for axes in panels.flat:
        axes.axis("off")
    for axes, i in zip(panels.flat, worst, strict=False):
        axes.imshow(answers.images[i].squeeze(), cmap="gray", vmin=0, vmax=255)
        title = f"is {classes[labels[i]]}\ncalled {classes[called[i]]}, {100 * shares[i, called[i]]:.0f} %"
        axes.set_title(title, fontsize=9, parse_math=False)
    surest = f"; the {len(worst)} surest" if len(wrong) > len(worst) else ""
    figure.suptitle(f"{len(wrong):,} of {len(labels):,} validation images are called wrongly{surest}")
    _save(figure, path)


def _figure(size: tuple[float, float], rows: int, columns: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns)


def _save(figure: Any, path: Path) -> None:
    with replacing(path) as partial:
        figure.savefig(partial, format="png", dpi=120)
