"""The page of the audit: what NXP's page claims, what the makers publish, and what the same files give here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eyespot.reports.audit import INFERRED, Audit, Row
from eyespot.reports.page import charts
from eyespot.reports.page.facts import tools
from eyespot.reports.page.figures import between, percent, points
from eyespot.reports.page.markup import Markup, code, folded, join, table, tag
from eyespot.site.entry import Entry
from eyespot.site.shell import page
from eyespot.zoo.cards import Model

HOW = (
    "Intervals are 95 %: Wilson for top-1, paired for the change against the first row of the same file and data. A "
    "part of ImageNet, or pictures like it, is named as such: its figures are not ImageNet's. What follows from "
    "measurements without being one is marked as inferred."
)
ROLES = {"right": "Fed right", "example": "Fed as NXP's example does", "single mistake": "One mistake"}


def audit_page(audit: Audit, many: Sequence[Entry], places: Sequence[str]) -> str:
    """The HTML of the page."""
    audited = [(e, e.card) for e in many if e.card and any(q.model == e.card.name for q in audit.quotes)]
    said = (
        f"{audit.release}: what its page claims, what the makers of the files publish, and what the same files give "
        "here, fed right and fed as NXP's own examples do."
    )
    header = tag("header", tag("h1", "NXP's accuracies, measured again"), tag("p", said, class_="lead"))
    menu = tag("nav", *(tag("a", e.title, href=f"#{e.slug}") for e, _ in audited), aria_label="Sections")
    sections = [_section(e, card, audit) for e, card in audited]
    measured = f"It measured everything ({tools(audit.tools)}) and looked up each quote in NXP's files. {HOW}"
    command = tag("p", code("python benchmarks/audit.py CHECKOUT"))
    how = tag("section", tag("h2", "How it was measured"), command, tag("p", measured))
    return page("Audit", header, menu, *sections, how, places=places, current="audit.html")


def _section(e: Entry, card: Model, audit: Audit) -> Markup:
    """A model: the claims, what follows, the bars; the quotes folded."""
    rows = [row for row in audit.rows if row.model == card.name]
    quotes = [
        tag("li", tag("q", q.quote), tag("span", f" {q.file}", class_="quiet"))
        for q in audit.quotes
        if q.model == card.name
    ]
    groups = dict.fromkeys((r.file, r.data, r.split, r.n) for r in rows)
    measured = [_group(key, [r for r in rows if (r.file, r.data, r.split, r.n) == key]) for key in groups]
    nothing = tag("p", "Measured here: nothing, because no file is at hand.")
    title = tag("h2", tag("a", e.title, href=e.address))
    inferred = tag("p", tag("strong", "Inferred: "), _with_code(INFERRED[card.name]), class_="inferred")
    parts = [title, _claims(card), inferred, *(measured or [nothing]), _examples(card, audit)]
    return tag(
        "section", *parts, folded(f"{len(quotes)} lines of NXP's files", tag("ul", *quotes, class_="quotes")), id=e.slug
    )


def _with_code(text: str) -> Markup:
    """Text in which backticks mark code."""
    return join(code(part) if number % 2 else part for number, part in enumerate(text.split("`")))


def _claims(card: Model) -> Markup:
    """The published figures, NXP's first."""
    shown = [
        tag("div", tag("dt", f"{r.publisher}, {what.removeprefix('top-1 ')}"), tag("dd", value))
        for r in card.references
        for what, value in r.figures.items()
        if what.startswith("top-1")
    ]
    return tag("dl", *shown, class_="claims")


def _group(key: tuple[str, str, str, int], rows: Sequence[Row]) -> Markup:
    """A file on a data set, a bar for each way to feed it."""
    file, data, split, n = key
    shown = [
        (
            tag("span", ROLES[r.role], tag("span", r.fed, class_="under")),
            tag("strong", percent(r.top1)),
            charts.interval(r.low, r.top1, r.high),
            between(r.low, r.high),
            "" if r.role == "right" else f"{points(-r.cost)} [{points(-r.interval[1])}, {points(-r.interval[0])}]",
            code(r.words),
        )
        for r in rows
    ]
    columns = ("Fed", "Top-1", "0–100 %", "95 % interval", "Change, points", "In words")
    return table(f"{file} on {data}, {split}, n = {n:,}", columns, shown, "numbers fed")


def _examples(card: Model, audit: Audit) -> Markup:
    shown = [
        tag("li", f"{e.file} fed with ", code(e.words), ": ", code(_output(e.output)))
        for e in audit.examples
        if e.model == card.name
    ]
    return join([tag("p", "The page's example picture:"), tag("ul", *shown)]) if shown else Markup("")


def _output(output: object) -> str:
    return ", ".join(f"{key} {value}" for key, value in output.items()) if isinstance(output, Mapping) else str(output)
