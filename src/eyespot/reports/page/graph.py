"""A page with the graph of a file for each device: which operators run on the NPU and which do not, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from eyespot.artifacts.atomic import write
from eyespot.artifacts.lock import held
from eyespot.devices.explain import Broken, Explained, Place, Placed
from eyespot.escaping import file_name
from eyespot.reports import words
from eyespot.reports.explained import WORDS, counted
from eyespot.reports.page.facts import device_title
from eyespot.reports.page.figures import chip
from eyespot.reports.page.markup import Markup, join, table, tag
from eyespot.reports.page.shell import whole

MOST = 500  # operators that are drawn
ROW, HIGH = 40, 28  # pixels from one operator to the next, and of its box
LEFT, WIDE = 120, 380  # of the boxes; at their left, the arcs of what skips operators
CHARACTER = 8  # pixels that one takes in a box
COLOURS: dict[Place, str] = {"npu": "#bbf7d0", "cpu": "#fde68a", "unknown": "#cbd5e1", "nowhere": "#fecaca"}
COLUMNS = ("Operator", "Runs on", "Constraint", "Source", "What helps", "Cost")


def write_explained(many: tuple[Explained, ...], name: str, folder: Path) -> tuple[Explained, ...]:
    """Write explain.html about all devices, and DEVICE.nodes.json for each; the nouns with these files."""
    with held(folder):
        html = write(folder / "explain.html", page(many, name))
        return tuple(replace(e, files=(html, _write_nodes(e, folder))) for e in many)


def _write_nodes(e: Explained, folder: Path) -> Path:
    """Custom node data of model-explorer, which calls a node of a .tflite file by the operator's number."""
    results = {str(o.number): {"value": _value(o), "bgColor": COLOURS[o.place]} for o in e.operators}
    return write(folder / f"{file_name(e.device)}.nodes.json", json.dumps({"results": results}, indent=1))


def _value(o: Placed) -> str:
    return ", then cpu: ".join(filter(None, (o.place, ", ".join(each.name for each in o.left))))


def page(many: Sequence[Explained], name: str) -> str:
    """The HTML of a page about a file, called `name`, on devices. The same devices give the same text."""
    sections = [tag("section", *_device(each), id=each.device) for each in many]
    menu = tag("nav", *(tag("a", each.device, href=f"#{each.device}") for each in many), aria_label="Devices")
    header = tag("header", tag("p", "eyespot", class_="brand"), tag("h1", f"Where {name} runs"))
    return whole(f"{name}: operators", header, menu, tag("main", join(sections, "\n")))


def _device(e: Explained) -> Iterator[Markup]:
    yield tag("h2", device_title(e.device))
    yield tag("p", chip(e.verdict.status, e.verdict.status), " ", words.reason(e.verdict))
    yield tag("p", counted(e), ".")
    rows = [row for each in e.operators for row in _rows(each)]
    if rows:
        yield table("Constraints that operators break", COLUMNS, rows)
    yield _graph(e)


def _rows(o: Placed) -> Iterator[tuple[str, ...]]:
    broken = [(f"{o.number} {o.name}", WORDS[o.place], each) for each in o.broken]
    broken += [(f"{o.number}+ {added.name}", WORDS["cpu"], added.broken) for added in o.left]
    for operator, runs, each in broken:
        yield operator, runs, each.constraint, f"{each.tool}: {each.source}", each.mend, each.cost


def _graph(e: Explained) -> Markup:
    """All operators in the order of execution, with a line from each to those that read from it."""
    drawn = e.operators[:MOST]
    parts = [edge for each in drawn for edge in _edges(each)] + [box for each in drawn for box in _boxes(each)]
    size = f"0 0 {LEFT + WIDE + 10} {ROW * len(drawn) + 10}"
    plot = tag("svg", *parts, viewBox=size, role="img", aria_label=f"Graph: {counted(e)}", class_="graph")
    more = f"The first {MOST:,} of {len(e.operators):,} operators." if len(e.operators) > MOST else ""
    return tag("figure", tag("figcaption", *(_key(each) for each in WORDS), f" {more}"), plot)


def _key(place: Place) -> Markup:
    return tag("span", WORDS[place], class_=f"place {place}")


def _edges(o: Placed) -> Iterator[Markup]:
    end = ROW * o.number + 5
    for each in o.after:
        start = ROW * each + 5 + HIGH
        if each == o.number - 1:
            x = LEFT + WIDE / 2
            yield tag("path", d=f"M{x} {start}V{end}", class_="edge")
        else:
            reach, leaves, to = LEFT - min(LEFT, 12 + 8 * (o.number - each)), start - HIGH // 2, end + HIGH // 2
            yield tag("path", d=f"M{LEFT} {leaves}C{reach} {leaves} {reach} {to} {LEFT} {to}", class_="edge")


def _boxes(o: Placed) -> Iterator[Markup]:
    """An operator, and in the same row those that the compiler adds behind it."""
    y, start = ROW * o.number + 5, LEFT + WIDE
    for added in reversed(o.left):
        wide = CHARACTER * len(added.name) + 24
        start -= wide
        yield _box(added.name, "cpu", (added.broken,), start + 4, y, wide - 4)
    said = f"{o.number} {o.name} {'x'.join(map(str, o.shape))}"
    yield _box(said, o.place, o.broken, LEFT, y, start - LEFT)


def _box(said: str, place: Place, broken: Sequence[Broken], x: int, y: int, wide: int) -> Markup:
    most, why = (wide - 12) // CHARACTER, "; ".join(each.constraint for each in broken)
    return tag(
        "g",
        tag("title", f"{said}: {WORDS[place]}" + (f": {why}" if why else "")),
        tag("rect", x=x, y=y, width=wide, height=HIGH, rx=6),
        tag("text", said if len(said) <= most else f"{said[:most]}...", x=x + 12, y=y + 19),
        class_=place,
    )
