"""Charts as inline SVG, whose colours come from the page's style sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.ticker import MaxNLocator

from eyespot.reports.page.markup import Markup, join, tag
from eyespot.reports.words import three

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 440, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 14, 44  # margins of the plot
ROW, THICK = 200, 16  # of a chart within a row of a table


def curves(title: str, across: str, lines: Mapping[str, Points], unit: str = "") -> Markup:
    """Lines over a common axis, each with a name; the last value of each is written under them."""
    every = [point for points in lines.values() for point in points]
    xs, ys = _ticks([x for x, _ in every], whole=True), _ticks([y for _, y in every])

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (WIDTH - LEFT - RIGHT) * (x - xs[0]) / (xs[-1] - xs[0]),
            HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - ys[0]) / (ys[-1] - ys[0]),
        )

    parts = [_horizontal(place(xs[0], y)[1], f"{words}{unit}") for y, words in zip(ys, _alike(ys), strict=True)]
    parts += [_label(place(x, ys[0])[0], HEIGHT - BOTTOM + 18, f"{x:g}", "middle") for x in xs]
    parts += [_label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, across, "middle")]
    for number, points in enumerate(lines.values()):
        placed = [place(*point) for point in points]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts += [tag("polyline", points=drawn, class_=f"line line{number}")]
        parts += [tag("circle", cx=f"{placed[-1][0]:.1f}", cy=f"{placed[-1][1]:.1f}", r=4, class_=f"dot line{number}")]
    said = "; ".join(f"{key} from {points[0][1]:.4g} to {points[-1][1]:.4g}{unit}" for key, points in lines.items())
    plot = tag("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=f"{title}: {said}", class_="plot")
    keys = join(
        tag("span", key, f" {points[-1][1]:.4g}{unit}", class_=f"key line{number}")
        for number, (key, points) in enumerate(lines.items())
    )
    return tag("figure", tag("figcaption", tag("strong", title), " ", keys), plot)


def _ticks(values: Sequence[float], *, whole: bool = False) -> list[float]:
    """Round numbers that enclose the values, at least two."""
    low, high = min(values), max(values)
    reach = (high - low) or abs(high) or 1.0
    ticks = MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=whole).tick_values(low, low + reach)
    return [float(each) for each in ticks]


def _alike(ticks: Sequence[float]) -> list[str]:
    """Numbers with equally many decimals."""
    most = max(len(f"{each:g}".partition(".")[2]) for each in ticks)
    return [f"{each:.{most}f}" if most < 6 else f"{each:g}" for each in ticks]


def _horizontal(y: float, words: str) -> Markup:
    line = tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid")
    return join([line, _label(LEFT - 8, y + 4, words, "end")])


def _label(x: float, y: float, words: str, anchor: str) -> Markup:
    return tag("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)


def interval(low: float, value: float, high: float, start: float = 0.0, stop: float = 1.0) -> Markup:
    """A number and its interval on an axis from `start` to `stop`; the table says the same in figures."""
    a, x, b = (_along(each, start, stop) for each in (low, value, high))
    middle = THICK / 2
    return _row(
        tag("line", x1=0, x2=ROW, y1=middle, y2=middle, class_="grid"),
        tag("rect", x=f"{a:.1f}", y=middle - 3, width=f"{max(1, b - a):.1f}", height=6, rx=3, class_="reach"),
        tag("circle", cx=f"{x:.1f}", cy=middle, r=4.5, class_="dot line0"),
    )


def bar(value: float, mark: float) -> Markup:
    """A share as a bar, and a line where the share to compare it with is."""
    x, y = _along(value, 0, 1), _along(mark, 0, 1)
    return _row(
        tag("rect", x=0, y=2, width=ROW, height=THICK - 4, rx=2, class_="track"),
        tag("rect", x=0, y=2, width=f"{x:.1f}", height=THICK - 4, rx=2, class_="bar"),
        tag("line", x1=f"{y:.1f}", x2=f"{y:.1f}", y1=0, y2=THICK, class_="mark"),
    )


def _along(value: float, start: float, stop: float) -> float:
    """Where a value is on the axis, in pixels, with room for a dot at both ends."""
    return 5 + (ROW - 10) * min(1.0, max(0.0, (value - start) / (stop - start)))


def _row(*parts: Markup) -> Markup:
    return tag("svg", *parts, viewBox=f"0 0 {ROW} {THICK}", class_="row", aria_hidden="true")


def columns(title: str, values: Sequence[tuple[str, float]], unit: str, *, total: bool = True) -> Markup:
    """A column for each value, from the left to the right; a pointer on one shows its name and value."""
    most = max((value for _, value in values), default=0) or 1.0
    step = (WIDTH - LEFT - RIGHT) / max(1, len(values))
    high = HEIGHT - TOP - BOTTOM
    parts = [_horizontal(TOP + high, "0"), _horizontal(TOP, f"{most:.3g} {unit}")]
    for number, (said, value) in enumerate(values):
        tall = high * value / most
        place = {"x": f"{LEFT + step * number:.1f}", "width": f"{max(1.0, step - min(2.0, step / 4)):.1f}"}
        shown = tag("title", f"{number} {said}: {three(value)} {unit}")
        drawn = tag("rect", **place, y=f"{TOP + high - tall:.1f}", height=f"{tall:.1f}", class_="bar")
        area = tag("rect", **place, y=TOP, height=high, class_="area")
        parts.append(tag("g", shown, area, drawn))
    parts.append(_label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, "operators in the order of execution", "middle"))
    whole = f"{three(sum(value for _, value in values))} {unit} together" if total else f"at most {most:.3g} {unit}"
    said = f"{title} of {len(values)} operators, {whole}"
    plot = tag("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=said, class_="plot")
    return tag("figure", tag("figcaption", tag("strong", title), tag("span", f" {whole}", class_="quiet")), plot)
