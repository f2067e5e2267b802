"""The first page: models to look at, plots to compare them by, and the Model List to sort and filter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eyespot.artifacts.measurements import Compatibility, Evaluation
from eyespot.devices import Device
from eyespot.reports.page.facts import LATENCY
from eyespot.reports.page.figures import answer, between, found, percent, size, verdicts
from eyespot.reports.page.markup import Markup, code, join, name, tag
from eyespot.site import plots
from eyespot.site.entry import Entry
from eyespot.site.model import accuracy_command, command_name, sample
from eyespot.site.shell import page

COLUMNS = ("Model", "Data set", "Top-1 int8", "Top-1 float32", "File int8", "RAM", "Multiply-adds", "Devices")
ABSENT = "not measured"


def gallery(many: Sequence[Entry], devices: Sequence[Device], places: Sequence[str]) -> str:
    """The HTML of the first page."""
    drawn = plots.section(many) if plots.drawable(many) else None
    parts = [
        _opening(many, devices),
        tag("section", tag("h2", "Models"), tag("div", *map(_card, many), class_="cards"), class_="plain"),
        *([tag("section", tag("h2", "Accuracy against its cost"), drawn, id="plots")] if drawn else []),
        tag("section", tag("h2", "Model List"), _filters(many, devices), _table(many, devices), id="list"),
    ]
    scripts = ("assets/site.js", *(("assets/vega.js", "assets/plots.js") if drawn else ()))
    return page("Models", *parts, places=places, current="index.html", scripts=scripts)


def _opening(many: Sequence[Entry], devices: Sequence[Device]) -> Markup:
    """What this is, in one look."""
    checked = {c.device for e in many for c in e.subject.compatibility}
    counts = f"{_count(len(many), 'model')}, {_count(sum(d.name in checked for d in devices), 'device')}"
    said = (
        f"{counts}. Every number here is measured, follows from a published rule, or says that it is an estimate; and "
        "each comes with the command that gives it again."
    )
    first = next((e for e in many if e.subject.name == "tiny-resnet"), many[0])
    run = tag("pre", tag("code", f"eyespot make {command_name(first.subject)} --device imx93"), tabindex="0")
    own = any(e.subject.origin == "own" for e in many)
    title = tag("h1", "Your models" if own else "Image classifiers for small devices")
    return tag("header", title, tag("p", said, class_="lead"), run, class_="hero")


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"


def _card(e: Entry) -> Markup:
    """A model in a few figures."""
    figures = [
        ("Top-1, int8", percent(e.clean.top1) if e.clean else ABSENT),
        ("File, int8", size(e.subject.main.bytes) if e.subject.main.bytes else "unknown"),
        ("RAM", size(e.arena) if e.arena else ABSENT),
    ]
    shown = tag("dl", *(tag("div", tag("dt", what), tag("dd", value)) for what, value in figures))
    title = tag("h3", tag("a", name(e.title), href=e.address))
    beside = e.beside(e.clean) if e.clean else []
    apart = tag("p", f"Top-1 {', '.join(beside)}", class_="quiet") if beside else ""
    return tag("article", sample(e.subject), title, tag("p", e.data, class_="quiet"), shown, apart, data_model=e.slug)


def _filters(many: Sequence[Entry], devices: Sequence[Device]) -> Markup:
    """The form that site.js shows and obeys."""
    sets = dict.fromkeys(e.data for e in many)
    checked = {c.device for e in many for c in e.subject.compatibility}
    fields = [
        _select("device", "Runs on", [("", "any device")] + [(d.name, d.title) for d in devices if d.name in checked]),
        _select("data", "Data set", [("", "any")] + [(each, each) for each in sets]),
        _number("ram", "RAM, at most kB"),
        _number("flash", "Flash, at most kB"),
        _number("top1", "Top-1, at least %"),
    ]
    reset = tag("button", "Clear", type="button")
    count = tag("output", f"{_count(len(many), 'model')}", id="count", aria_live="polite")
    return tag("form", *fields, reset, count, id="filters", hidden="", aria_label="Filter the models")


def _select(key: str, label: str, options: Iterable[tuple[str, str]]) -> Markup:
    made = (tag("option", words, value=value) for value, words in options)
    return tag("label", tag("span", label), tag("select", *made, name=key))


def _number(key: str, label: str) -> Markup:
    return tag("label", tag("span", label), tag("input", type="number", name=key, min="0", step="any"))


def _table(many: Sequence[Entry], devices: Sequence[Device]) -> Markup:
    head = tag("tr", *(tag("th", each, scope="col") for each in COLUMNS))
    body = join((_row(e, devices) for e in many), "\n")
    caption = tag("caption", "Top-1 with its 95 % interval and the number of images; RAM for tensors (TFLM's arena).")
    made = tag("table", caption, tag("thead", head), tag("tbody", body), id="models", class_="list")
    return tag("div", made, class_="scroll", tabindex="0", role="region", aria_label="Model List")


def _row(e: Entry, devices: Sequence[Device]) -> Markup:
    s = e.subject
    float32 = s.part("float32")
    cells = [
        tag("th", tag("a", name(e.title), href=e.address), scope="row", data_value=e.title),
        tag("td", e.data, data_value=e.data),
        _top1(e, "int8", e.clean),
        _top1(e, "float32", float32.clean if float32 else None),
        _cell(s.main.bytes, size(s.main.bytes) if s.main.bytes else "unknown"),
        _cell(e.arena, size(e.arena) if e.arena else ABSENT),
        _cell(e.adds, f"{e.adds / 1e6:,.1f} M" if e.adds is not None else "unknown"),
        _devices(e, devices),
    ]
    runs = " ".join(c.device for c in s.compatibility if c.runs.status in {"ok", "partial"})
    return tag(
        "tr", *cells, data_model=e.slug, data_data=e.data, data_device=runs, data_ram=e.arena, data_flash=s.main.bytes,
        data_top1=e.clean.top1 if e.clean else None,
    )  # fmt: skip


def _cell(value: float | None, words: object, *under: object) -> Markup:
    """A figure; without one it comes last however the table is sorted."""
    more = (tag("span", each, class_="under") for each in under)
    return tag("td", words, *more, data_value="" if value is None else value)


def _top1(e: Entry, precision: str, measured: Evaluation | None) -> Markup:
    """An accuracy; without one, what its publisher says and how to measure it."""
    if measured:
        under = [f"{between(measured.low, measured.high)}, n = {measured.n:,}", *e.beside(measured)]
        return _cell(measured.top1, tag("strong", percent(measured.top1)), *under)
    s = e.subject
    how = ["stand-in weights"] if s.main.refused else [] if s.origin == "file" else [code(accuracy_command(s))]
    quoted = [f"{each.publisher}: {value}" for each, value in e.quoted(precision)][:1]
    return _cell(None, ABSENT, *quoted, *how)


def _devices(e: Entry, devices: Sequence[Device]) -> Markup:
    """How many run it; site.js shows the verdicts on the device that is chosen."""
    many = e.subject.compatibility
    if not many:
        return _cell(None, ABSENT)
    runs = sum(c.runs.status == "ok" for c in many)
    titles = {d.name: d.title for d in devices}
    shown = tag("span", f"{runs} of {len(many)}", class_="any")
    return tag("td", shown, *(_verdict(c, titles) for c in many), data_value=runs)


def _verdict(c: Compatibility, titles: dict[str, str]) -> Markup:
    """Whether it runs, and how fast as far as that is estimated."""
    label, speed = tag("span", f"{titles.get(c.device, c.device)}: ", class_="off"), found(c, *LATENCY)
    said = [tag("span", answer(speed), class_="under")] if speed else []
    return tag("span", label, *verdicts(c), *said, class_="chips", data_on=c.device, hidden="")
