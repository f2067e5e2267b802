"""Accuracy against what it costs, as vega-lite specifications, and the JavaScript that draws them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from math import ceil, floor, log
from typing import Any

from eyespot.reports import words
from eyespot.reports.page.figures import between, percent
from eyespot.reports.page.markup import Markup, join, tag
from eyespot.site.entry import Entry, best

HEIGHT = 340  # pixels of a plot
NARROW, WIDE, UP = 380, 880, 250  # pixels between the outermost points, as they are guessed to place their names
LETTER, LINE, GAP, EDGE = 6.5, 15, 10, 60  # pixels of a character, of a line, to the point, and beyond the last point
PLACES = {  # of a name: alignment, side of the point, height over its middle, and dy of vega
    "right": ("left", 1, 0, 0),
    "above": ("center", 0, 15, -15),
    "below": ("center", 0, -15, 16),
    "left": ("right", -1, 0, 0),
}
RANGED = ("above", "below", "right", "left")  # where lines go to both sides
Cost = Callable[[Entry], float | None]
Rows = list[dict[str, Any]]
COSTS: dict[str, tuple[str, Cost]] = {
    "ram": ("RAM, kB", lambda e: e.arena and e.arena / 1e3),
    "adds": ("Multiply-adds, millions", lambda e: e.adds and e.adds / 1e6),
}
LATENCY = "Latency, ms"
MEASURED = "measured here"
SAID = (
    "Filled points are measured here, with their 95 % intervals; hollow ones are quoted from their publishers. A "
    "dashed line joins the models that no other one measured on the same images beats, the Pareto front. Compare only "
    "points of one colour. Click a point for its page."
)


def bundle() -> str:
    """Vega, vega-lite and vega-embed as one script, which needs no network. ModuleNotFoundError without the extra."""
    import vl_convert

    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return f"(() => {{\n{script}\n}})();\n"


def drawable(many: Sequence[Entry]) -> bool:
    """Whether there are plots: two models with an accuracy, and the extra."""
    return installed() and sum(bool(e.clean or e.published) for e in many) > 1


def installed() -> bool:
    """Whether the extra `site` is there."""
    return bool(find_spec("altair") and find_spec("vl_convert"))


def section(many: Sequence[Entry]) -> Markup:
    """The plots, which plots.js draws."""
    known = [e for e in many if e.clean or e.published]
    images = list(dict.fromkeys(_accuracy(e)["images"] for e in known))
    drawn = {key: _rows(known, cost) for key, (_, cost) in COSTS.items()}
    figures = [_figure(key, COSTS[key][0], "", rows, images) for key, rows in drawn.items() if rows]
    if places := list(dict.fromkeys(each for e in known for each in e.latencies)):
        rows = [row | {"device": each} for each in places for row in _rows(known, _middle(each), each)]
        figures.append(_figure("latency", LATENCY, _chooser(places), rows, images))
    buttons = (_button(each, number) for number, each in enumerate(images))
    legend = tag("div", *buttons, class_="legend", role="group", aria_label="Show one data set")
    without = tag("noscript", tag("p", "The plots need JavaScript; the Model List below has the same figures."))
    return join([tag("p", SAID, class_="quiet"), legend, without, tag("div", *figures, class_="plots")])


def _button(images: str, number: int) -> Markup:
    return tag("button", images, type="button", aria_pressed="false", data_images=images, class_=f"swatch{number % 6}")


def _chooser(places: Sequence[str]) -> Markup:
    options = (tag("option", each, value=each) for each in places)
    return tag("label", tag("span", "on", class_="off"), tag("select", *options, id="latency-device"), class_="chooser")


def _middle(place: str) -> Cost:
    """The geometric middle of an estimated range."""

    def cost(e: Entry) -> float | None:
        least, most = e.latencies.get(place, (0.0, 0.0))
        return (least * most) ** 0.5

    return cost


def _rows(known: Sequence[Entry], cost: Cost, place: str = "") -> Rows:
    """A row of data for each model whose cost is known, the most accurate first."""
    costs = {e.slug: price for e in known if (price := cost(e))}
    front, rows = best(known, costs), []
    for e in known:
        if e.slug in costs:
            least, most = e.latencies.get(place, (costs[e.slug],) * 2)
            row = {"model": e.title, "page": e.address, "cost": costs[e.slug], "least": least, "most": most}
            row |= _accuracy(e)
            rows.append(row | {"front": row["top1"] if e.slug in front else None})
    return _placed(sorted(rows, key=lambda row: -row["top1"]), *((WIDE, RANGED) if place else (NARROW,)))


def _accuracy(e: Entry) -> dict[str, Any]:
    """In percent: measured, or else quoted; {} for neither."""
    if c := e.clean:
        said = ", ".join([f"{percent(c.top1)} ({between(c.low, c.high)})", f"n = {c.n:,}", *words.stand_in(c)])
        return {"top1": 100 * c.top1, "low": 100 * c.low, "high": 100 * c.high, "images": e.measured_on,
                "origin": MEASURED, "said": said}  # fmt: skip
    if known := e.published:
        reference, share = known
        top1 = 100 * share
        return {"top1": top1, "low": top1, "high": top1, "images": e.data,
                "origin": f"quoted from {reference.publisher}", "said": percent(share)}  # fmt: skip
    return {}


def _placed(rows: Rows, width: float, order: Sequence[str] = tuple(PLACES)) -> Rows:
    """Each row with the place of its name, or none where it would cover another name or point; it has a tooltip."""
    across, up = [log(row["cost"]) for row in rows], [row["top1"] for row in rows]
    points = list(zip(_spread(across, width), _spread(up, UP), strict=True))
    taken = [(x, y, 7.0) for x, y in points]  # the middle, the height and half the width of what is drawn
    for row, (x, y) in zip(rows, points, strict=True):
        half, row["place"] = LETTER * len(row["model"]) / 2, ""
        for place in order:
            _, side, above, _ = PLACES[place]
            middle, height = x + side * (half + GAP), y + above
            within = middle - half >= -EDGE and middle + half <= width + EDGE
            if within and not any(abs(middle - a) < half + w and abs(height - b) < LINE for a, b, w in taken):
                row["place"] = place
                taken.append((middle, height, half))
                break
    return rows


def _spread(values: Sequence[float], width: float) -> list[float]:
    """The values on an axis of that width."""
    least, reach = min(values), (max(values) - min(values)) or 1
    return [width * (value - least) / reach for value in values]


def _figure(key: str, title: str, more: Markup | str, rows: Rows, images: list[str]) -> Markup:
    spec = json.dumps(_spec(title, rows, images), ensure_ascii=True).replace("<", "\\u003c")
    said = f"Top-1 of the int8 files against {title}; the Model List has the figures."
    drawn = tag("div", class_="vega", id=f"plot-{key}", role="img", aria_label=said)
    data = tag("script", Markup(spec), type="application/json", data_plot=f"plot-{key}")
    return tag("figure", tag("figcaption", tag("strong", title), more), drawn, data)


def _spec(title: str, rows: Rows, images: list[str]) -> dict[str, Any]:
    """A vega-lite specification: intervals, the front, points with names. plots.js sets `device` and `only`."""
    import altair as alt

    x = alt.X("cost:Q", title=title, scale=alt.Scale(type="log", nice=False, padding=50), axis=alt.Axis(tickCount=5))
    least, most = (bound([row[key] for row in rows]) for bound, key in ((min, "low"), (max, "high")))
    domain = [5 * floor(least / 5 - 0.5), 5 * ceil(most / 5 + 0.5)]  # so that layers without points have one too
    up = {"title": "Top-1 in int8, %", "scale": alt.Scale(domain=domain, nice=False, zero=False)}
    scale = alt.Scale(domain=images)
    seen = alt.condition("only == '' || only == datum.images", alt.value(1.0), alt.value(0.12))
    devices = list(dict.fromkeys(row["device"] for row in rows if "device" in row))
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=x, y=alt.Y("top1:Q", **up), color=alt.Color("images:N", legend=None, scale=scale), opacity=seen
    )
    base = base.transform_filter("datum.device == device") if devices else base
    shown = [alt.Tooltip(f"{field}:N", title=name) for field, name in
             {"model": "Model", "said": "Top-1", "images": "Images", "origin": "Origin"}.items()]  # fmt: skip
    shown.append(alt.Tooltip("cost:Q", title=title, format=",.3~r"))
    hollow = alt.condition(
        f"datum.origin == '{MEASURED}'", alt.Fill("images:N", legend=None, scale=scale), alt.value("transparent")
    )
    layers = [
        base.mark_line(strokeWidth=2, strokeDash=[5, 4], invalid="filter").encode(y=alt.Y("front:Q", **up)),
        base.mark_rule(strokeWidth=2).encode(x="least:Q", x2="most:Q"),
        base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q", **up), y2="high:Q"),
        base.mark_point(size=110, strokeWidth=2, cursor="pointer").encode(fill=hollow, href="page:N", tooltip=shown),
        *(_names(base, *each) for each in PLACES.items() if any(row["place"] == each[0] for row in rows)),
    ]
    set_by_page = [alt.param(name="only", value=""), alt.param(name="device", value=(devices or [""])[0])]
    chart = alt.layer(*layers).properties(width="container", height=HEIGHT, background="transparent")
    spec: dict[str, Any] = chart.add_params(*set_by_page).to_dict()
    return spec


def _names(base: Any, place: str, how: tuple[str, int, float, float]) -> Any:
    """The names at one place of their points; a narrow screen has no room for any."""
    import altair as alt

    align, side, _, dy = how
    text = alt.condition(f"datum.place == '{place}' && width > 300", "model:N", alt.value(""))
    return base.mark_text(align=align, dx=side * GAP, dy=dy, fontSize=12).encode(
        text=text, color=alt.value("currentcolor")
    )
