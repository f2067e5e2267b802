"""Names beside the points of a plot, so that no name covers a point, an interval or another name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import cos, pi, sin
from typing import Any, TypeAlias

from matplotlib.transforms import Bbox

Point: TypeAlias = tuple[float, float, float, float, str]  # x, y, low, high, name

MARK = 5.0  # half the side of a point, in pixels
REACHES = (9, 20, 34, 50, 70)  # distances of a name from its point, in pixels
DIRECTIONS = 16
NEAR = 20  # up to this distance a name needs no line to its point


def place(axes: Any, points: Sequence[Point]) -> None:
    """Write the name of each point (x, y, low, high, name), the nearest place first that is free.

    Call it when nothing else in the figure changes any more. Where no place is free, that with the least overlap is
    taken.
    """
    axes.figure.draw_without_rendering()
    taken = [_mark(axes, x, low, high) for x, _, low, high, _ in points]
    for x, y, _, _, name in sorted(points, key=lambda point: -point[1]):
        label = axes.annotate(name, (x, y), xytext=(0, 0), textcoords="offset pixels", fontsize=8)
        label.set_in_layout(False)
        extent, (left, bottom) = label.get_window_extent(), axes.transData.transform((x, y))
        reach, box = _best(extent.width, extent.height, (left, bottom), taken, axes.bbox)
        label.set_position((box.x0 - left, box.y0 - bottom))
        taken.append(box)
        if reach > NEAR:
            middle = (min(max(left, box.x0), box.x1), min(max(bottom, box.y0), box.y1))
            start, end = axes.transData.inverted().transform([(left, bottom), middle])
            axes.plot(*zip(start, end, strict=True), color="0.7", linewidth=0.6, zorder=0)


def _mark(axes: Any, x: float, low: float, high: float) -> Bbox:
    """A point and its interval."""
    (left, bottom), (_, top) = axes.transData.transform([(x, low), (x, high)])
    return Bbox([[left - MARK, bottom - MARK], [left + MARK, top + MARK]])


def _best(
    width: float, height: float, point: tuple[float, float], taken: Sequence[Bbox], inside: Bbox
) -> tuple[int, Bbox]:
    """The distance and the box of the best place for a name."""
    tried = list(_boxes(width, height, point))
    costs = [_overlap(box, taken) + _outside(box, inside) for _, box in tried]
    return tried[costs.index(min(costs))]


def _boxes(width: float, height: float, point: tuple[float, float]) -> Iterator[tuple[int, Bbox]]:
    """Places around a point, the nearest first, those on the right first among them."""
    for reach in REACHES:
        for step in sorted(range(DIRECTIONS), key=lambda each: min(each, DIRECTIONS - each)):
            across, up = cos(2 * pi * step / DIRECTIONS), sin(2 * pi * step / DIRECTIONS)
            x = point[0] + reach * across + width * (across - 1) / 2
            y = point[1] + reach * up + height * (up - 1) / 2
            yield reach, Bbox.from_bounds(x, y, width, height)


def _overlap(box: Bbox, taken: Sequence[Bbox]) -> float:
    """The area that it shares with others, in pixels."""
    shared = (Bbox.intersection(box, other) for other in taken)
    return sum(each.width * each.height for each in shared if each)


def _outside(box: Bbox, inside: Bbox) -> float:
    shared = Bbox.intersection(box, inside)
    return box.width * box.height - (shared.width * shared.height if shared else 0.0)
