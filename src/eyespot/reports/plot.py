"""Pictures; among them accuracy against what it costs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from eyespot.artifacts.atomic import replacing
from eyespot.errors import RefusedError
from eyespot.zoo.listing import Listed

COSTS: dict[str, Callable[[Listed], float | None]] = {
    "arena, kB": lambda model: model.arena / 1000 if model.arena else None,
    "multiply-adds, millions": lambda model: model.operations / 2e6,
}


@contextlib.contextmanager
def drawing(path: Path, size: tuple[float, float], *grid: int, **options: Any) -> Iterator[tuple[Any, Any]]:
    """Yield a figure of `size` in inches and its `grid` of panels; write it as PNG when the block ends."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    yield figure, figure.subplots(*grid, **options)
    with replacing(path) as partial:
        figure.savefig(partial, format="png", dpi=120)


def draw(listed: Sequence[Listed], path: Path) -> None:
    """Write a PNG: top-1 against each cost, a colour for each data set, the best ones filled.

    RefusedError for a name that does not end in .png.
    """
    if path.suffix != ".png":
        raise RefusedError(f"{path}: the plot is a PNG; give a name that ends in .png")
    measured = [model for model in listed if model.top1 is not None]
    with drawing(path, (10, 4.5), 1, len(COSTS), sharey=True) as (_, panels):
        for axes, (title, cost) in zip(panels, COSTS.items(), strict=True):
            _points(axes, measured, cost)
            axes.set_xlabel(title)
        panels[0].set_ylabel("top-1 of the int8 file")
        if measured:
            panels[0].legend(title="filled: best of its data set")


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
