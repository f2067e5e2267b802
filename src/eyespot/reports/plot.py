"""Accuracy against what it costs, as a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eyespot.artifacts.atomic import replacing
from eyespot.errors import RefusedError
from eyespot.zoo.listing import Listed

COSTS: dict[str, Callable[[Listed], float | None]] = {
    "arena, kB": lambda model: model.arena / 1000 if model.arena else None,
    "multiply-adds, millions": lambda model: model.operations / 2e6,
}


def draw(listed: Sequence[Listed], path: Path) -> None:
    """Write a PNG: top-1 against each cost, a colour for each data set, the best ones filled.

    RefusedError for a name that does not end in .png.
    """
    from matplotlib.figure import Figure

    if path.suffix != ".png":
        raise RefusedError(f"{path}: the plot is a PNG; give a name that ends in .png")
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    measured = [model for model in listed if model.top1 is not None]
    panels = figure.subplots(1, len(COSTS), sharey=True)
    for axes, (title, cost) in zip(panels, COSTS.items(), strict=True):
        _points(axes, measured, cost)
        axes.set_xlabel(title)
    panels[0].set_ylabel("top-1 of the int8 file")
    if measured:
        panels[0].legend(title="filled: best of its data set")
    with replacing(path) as partial:
        figure.savefig(partial, format="png", dpi=120)


def _points(axes: Any, models: Sequence[Listed], cost: Callable[[Listed], float | None]) -> None:
    names = list(dict.fromkeys(model.data for model in models))
    for name in names:
        axes.scatter([], [], color=f"C{names.index(name)}", label=name)
    for model in models:
        x, colour = cost(model), f"C{names.index(model.data)}"
        if x is not None:
            axes.scatter(x, model.top1, edgecolor=colour, facecolor=colour if model.best else "none")
            axes.annotate(model.name, (x, model.top1), xytext=(5, 5), textcoords="offset points")
    axes.margins(x=0.4, y=0.2)  # room for the names
    axes.grid(alpha=0.3)
