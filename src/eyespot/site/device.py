"""The pages about devices: which models fit, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from eyespot.artifacts.measurements import Compatibility, Finding, Status
from eyespot.devices import Device
from eyespot.escaping import file_name
from eyespot.reports import words
from eyespot.reports.page import charts, facts
from eyespot.reports.page.figures import MARKS, answer, found, size, verdicts
from eyespot.reports.page.markup import Markup, code, folded, join, name, table, tag
from eyespot.site.entry import Entry
from eyespot.site.shell import page

ORDER = ("ok", "partial", "unknown", "fails")
USES = {
    "arena": "RAM for tensors",
    "flash": "Flash",
    "npu sram": "SRAM of the NPU",
    "npu activations": "Memory of the NPU",
}


def path(device: Device) -> str:
    """Of its page, from the root of the site."""
    return f"devices/{file_name(device.name)}.html"


def overview(many: Sequence[Entry], devices: Sequence[Device], places: Sequence[str]) -> str:
    """The HTML of the page about all devices: a sign for each model."""
    marks = ("runs, and all of it on the NPU if there is one", "runs, but not all of it on the NPU, or only in part")
    key = f"✓ {marks[0]}. ◐ {marks[1]}. ✗ does not run. ? unknown. The page of a device gives the reasons."
    head = tag("tr", tag("th", "Device", scope="col"), *(
        tag("th", tag("span", tag("a", name(e.title), href=e.address)), scope="col") for e in many
    ))  # fmt: skip
    rows = [
        tag("tr", tag("th", tag("a", d.title, href=quote(path(d))), scope="row"), *(_sign(e, d) for e in many))
        for d in devices
    ]
    made = tag("table", tag("caption", key), tag("thead", head), tag("tbody", join(rows, "\n")), class_="signs")
    box = tag("div", made, class_="scroll", tabindex="0", role="region", aria_label="Models on devices")
    header = tag("header", tag("h1", "Devices"), tag("p", f"What {len(devices)} devices run.", class_="lead"))
    return page("Devices", header, tag("section", box), places=places, current="devices.html")


def _sign(e: Entry, device: Device) -> Markup:
    """The worse of both verdicts, as a sign with its words."""
    checked = e.on(device.name)
    status: Status = worst(checked) if checked else "unknown"
    said = f"{e.title} on {device.title}: {status if checked else 'not measured'}"
    return tag("td", tag("span", MARKS[status], class_=f"sign {status}", role="img", aria_label=said, title=said))


def worst(c: Compatibility) -> Status:
    """`fails` only where it does not run; an NPU that it cannot use makes it `partial`."""
    if c.runs.status != "ok":
        return c.runs.status
    return "ok" if c.npu is None or c.npu.status == "ok" else "unknown" if c.npu.status == "unknown" else "partial"


def device_page(d: Device, many: Sequence[Entry], places: Sequence[str]) -> str:
    """The HTML of a device's page."""
    checked = [(e, c) for e in many if (c := e.on(d.name))]
    checked.sort(key=lambda each: ORDER.index(worst(each[1])))
    rest = [e for e in many if not e.on(d.name)]
    runs = sum(c.runs.status in {"ok", "partial"} for _, c in checked)
    alone = sum(bool(c.npu and c.npu.status == "ok") for _, c in checked)
    on_npu = f", {alone} of them on the NPU alone" if d.npu else ""
    lead = tag("p", f"{d.npu or 'No NPU'}. {runs} of {len(many)} models run{on_npu}.", class_="lead")
    header = tag("header", tag("h1", d.title), lead, tag("p", code(f"eyespot list --device {d.name}")))
    shown = [*(_model(e, c) for e, c in checked), *([_unmeasured(rest, d)] if rest else [])]
    how = tag("section", tag("h2", "How it is checked"), facts.definitions(_how(d)))
    models = tag("section", tag("h2", "Models"), *shown, id="models")
    return page(d.title, header, models, how, places=places, root="../")


def _unmeasured(rest: Sequence[Entry], d: Device) -> Markup:
    names = (tag("a", name(e.title), href=f"../{e.address}") for e in rest)
    return tag("p", "Not measured: ", join(names, ", "), ". ", code(f"eyespot check MODEL --device {d.name}"))


def _model(e: Entry, c: Compatibility) -> Markup:
    """A model on the device: verdicts, memory and latency, the reasons against it; the findings folded."""
    link = tag("h3", tag("a", name(e.title), href=f"../{e.address}"))
    parts = [tag("div", link, tag("span", *verdicts(c), class_="chips"), class_="verdict")]
    memory, latency = found(c, *facts.MEMORY), found(c, *facts.LATENCY)
    known = (("Memory", memory), ("Latency", latency))
    parts += [tag("p", f"{what} {answer(f)}", _share(f), class_="figure") for what, f in known if f]
    against = [f for f in c.findings if f.decides != "nothing" and f.status != "ok"]
    reasons = [tag("li", f"{words.check(f)}: {words.value(f)}. ", tag("span", words.reason(f), class_="quiet"))
               for f in against]  # fmt: skip
    parts += [tag("ul", *reasons, class_="reasons")] if reasons else []
    title = f"All findings on {e.title}"
    parts.append(folded(title, table(title, facts.FINDING, map(facts.finding, c.findings), "findings")))
    return tag("article", *parts, class_="fit")


def _share(f: Finding) -> Markup:
    """How much of a memory is used, as a bar."""
    used, limit = (f.quantities[key].value if key in f.quantities else None for key in ("used", "limit"))
    return charts.bar(used / limit, 1.0) if used and limit else Markup("")


def _how(d: Device) -> list[tuple[str, object]]:
    """The card of a device."""
    rows: list[tuple[str, object]] = [("Tools on the host", ", ".join(d.tools) or "none")]
    if d.compiler:
        rows.append(
            ("Compiler of the NPU", f"{d.compiler.name} {' '.join(d.compiler.arguments)}; {d.compiler.offered}")
        )
    for m in d.memory:
        known = "you say how much" if m.bytes is None else size(m.bytes)
        rows.append((f"{USES[m.use]}, {m.name}", f"{known}. Source: {m.source}"))
    rows += [(f"Clock, {c.name}", f"{c.hertz / 1e6:,g} MHz. Source: {c.source}") for c in d.clocks]
    rows += [("Rules", ", ".join(d.rules))] if d.rules else []
    rows += [(each.check.capitalize(), f"an estimate. Source: {each.source}") for each in d.latency]
    return [*rows, ("Source", d.source)]
