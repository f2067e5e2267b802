"""The page about one model: the sections of its report, with what only the site has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from eyespot.preprocessing.damage import DAMAGES as MAKE
from eyespot.preprocessing.spec import Preprocessing
from eyespot.reports.page import facts, results
from eyespot.reports.page.figures import DAMAGES, percent, size
from eyespot.reports.page.gather import Part, Subject
from eyespot.reports.page.latency import latency
from eyespot.reports.page.layers import layers
from eyespot.reports.page.markup import Markup, code, join, name, table, tag
from eyespot.reports.page.summary import figures, lead, missing, notes
from eyespot.site import drawings
from eyespot.site.entry import Entry
from eyespot.site.shell import page
from eyespot.zoo import registry

NOTHING = Markup("")


def model_page(
    entry: Entry,
    places: Sequence[str],
    downloads: Mapping[str, str],
    *,
    tried: Markup = NOTHING,
    allowed: Mapping[str, str] | None = None,
) -> str:
    """The HTML of a model's page. `downloads` are paths of files by name, from the root of the site.

    `tried` is the playground, `allowed` what its policy needs.
    """
    s = entry.subject
    made = {
        "Try it": tried,
        "What it is for": purpose(entry),
        "Training": results.training(s) if s.origin == "own" else NOTHING,
        "Float32 and int8": join([_no_accuracy(s), results.files(s)]),
        "Classes": results.classes(s),
        "Confusion": results.confusion(s),
        "Mistakes": results.mistakes(s),
        "Robustness": robustness(s),
        "Devices": devices(entry) or not_measured(s, "Devices", f"eyespot make {command_name(s)}"),
        "Latency": latency(s) or not_measured(s, "Latency", f"eyespot bench {command_name(s)}"),
        "Layers": layers(s) or not_measured(s, "The file's layers", f"eyespot make {command_name(s)}"),
        "What the file wants": facts.wants(s),
        "Published figures": facts.published(s),
        "Downloads": files(s, downloads),
        "Provenance": facts.provenance(s),
    }
    made = {title: content for title, content in made.items() if content}
    menu = tag("nav", *(tag("a", title, href=f"#{anchor(title)}") for title in made), aria_label="Sections")
    sections = [tag("section", tag("h2", title), content, id=anchor(title)) for title, content in made.items()]
    body = join([_head(entry), menu, *sections, missing(s)], "\n")
    return page(entry.title, body, places=places, root="../", allowed=allowed)


def anchor(title: str) -> str:
    """The fragment of a section's address."""
    return title.lower().replace(" ", "-")


def command_name(s: Subject) -> str:
    """How a command calls the model."""
    return f"{s.name}/" if s.origin == "own" else s.name


def accuracy_command(s: Subject) -> str:
    """What measures its accuracy."""
    return f"eyespot measure {s.name}" if s.origin == "built" else f"eyespot evaluate {command_name(s)}"


def not_measured(s: Subject, what: str, command: str) -> Markup:
    """A sentence in the place of figures; nothing of a file alone, which has no command."""
    return tag("p", f"{what}: not measured. ", code(command)) if s.origin != "file" else NOTHING


def _no_accuracy(s: Subject) -> Markup:
    """Why there is no accuracy, or how to get one."""
    if s.main.clean:
        return NOTHING
    if s.main.refused:
        return tag("p", f"No accuracy: the file is {s.main.refused}.")
    return not_measured(s, "The accuracy", accuracy_command(s))


def _head(entry: Entry) -> Markup:
    """What it is, with what it sees, and the figures that decide."""
    s = entry.subject
    title = tag("div", tag("h1", name(entry.title)), tag("p", lead(s), class_="lead"))
    return tag("header", tag("div", title, sample(s), class_="opening"), figures(s), notes(s))


def sample(s: Subject) -> Markup:
    """A drawing as the network sees it."""
    if not s.contract:
        return NOTHING
    spec = s.contract.preprocessing
    shown = drawings.address(_drawn(s, spec))
    said = f"What it sees: {spec.width} × {spec.height}{' in gray' if spec.channels == 1 else ''}"
    return tag("figure", tag("img", src=shown, alt="", width=spec.width, height=spec.height), tag("figcaption", said),
               class_="seen")  # fmt: skip


def _drawn(s: Subject, spec: Preprocessing) -> NDArray[np.uint8]:
    return drawings.seen(s.card if s.origin == "built" else None, spec)


def purpose(entry: Entry) -> Markup:
    """What a model of ours is for, and what it comes from."""
    card = entry.card
    if not card:
        return NOTHING
    data = registry.dataset(card.data)
    images = sum(data.splits.values())
    rows = [
        ("Data set", f"{data.title}, {images:,} images" if images else data.title),
        ("Network", f"{card.architecture}, {card.backbone}, {card.parameters:,} parameters"),
        ("Paper", card.paper),
        ("Licence", f"{card.licence}. {card.terms}"),
        ("Terms of the data", data.terms),
    ]  # fmt: skip
    said = card.purpose or f"It says which of {len(data.classes):,} classes a picture shows."
    lines = (
        code(f"eyespot {words}") for words in (f"predict {card.name} picture.jpg", f"make {card.name} --device imx93")
    )
    run = tag("pre", join(lines, Markup("\n")), tabindex="0")
    return join([tag("p", said, class_="purpose"), run, facts.definitions(rows)])


def robustness(s: Subject) -> Markup:
    """The bars of the report, with a picture of each damage."""
    bars = results.robustness(s)
    if not bars:
        return not_measured(s, "Robustness", accuracy_command(s)) if s.main.clean else NOTHING
    if not s.contract:
        return bars
    clean = _drawn(s, s.contract.preprocessing)
    made = {e.under: e for e in s.damaged if e.under}
    pictures = [_damaged("as they are", drawings.address(clean), percent(s.main.clean.top1) if s.main.clean else "")]
    pictures += [
        _damaged(DAMAGES[under], drawings.address(MAKE[under](clean)), percent(e.top1)) for under, e in made.items()
    ]
    return join([bars, tag("h3", "What each damage looks like"), tag("div", *pictures, class_="strip")])


def _damaged(words: str, picture: str, top1: str) -> Markup:
    said = tag("figcaption", words, tag("strong", f" {top1}"))
    return tag("figure", tag("img", src=picture, alt="", width=96, height=96), said)


def devices(entry: Entry) -> Markup:
    """How many run it, and each with its reasons."""
    many = entry.subject.compatibility
    if not many:
        return NOTHING
    runs = sum(c.runs.status == "ok" for c in many)
    npus = [c for c in many if c.npu]
    all_of_it = sum(bool(c.npu and c.npu.status == "ok") for c in npus)
    said = f"It runs on {runs} of {len(many)} devices; on {all_of_it} of {len(npus)} with an NPU, all of it runs there."
    return join([tag("p", said), facts.devices(entry.subject)])


def files(s: Subject, downloads: Mapping[str, str]) -> Markup:
    """Each file with its size and digest, and where to get it."""
    rows = [
        (
            tag("a", part.name, href=f"../{quote(downloads[part.name])}", download="")
            if part.name in downloads
            else part.name,
            size(part.bytes) if part.bytes else "unknown",
            code(part.sha256),
            _getting(s, part, downloads),
        )
        for part in s.parts
    ]
    return table("Files and their sha256", ("File", "Size", "sha256", "How to get it"), rows, "digests")


def _getting(s: Subject, part: Part, downloads: Mapping[str, str]) -> Markup:
    if part.name in downloads:
        return Markup("here")
    if s.origin == "built":
        shipped = "ships with the package: " if registry.ships(s.name) else "built on your machine: "
        return join([shipped, code(f"eyespot make {s.name}")])
    return Markup("in your folder")
