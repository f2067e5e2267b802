"""The whole page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from eyespot.artifacts.atomic import write
from eyespot.artifacts.model_folder import tools
from eyespot.reports.page import facts, results
from eyespot.reports.page.gather import Subject, default_path, gather
from eyespot.reports.page.latency import latency
from eyespot.reports.page.layers import layers
from eyespot.reports.page.markup import Markup, join, tag
from eyespot.reports.page.shell import whole
from eyespot.reports.page.summary import left_out, missing, summary
from eyespot.reports.page.written import Page

SECTIONS: Mapping[str, Callable[[Subject], Markup]] = {
    "Training": results.training,
    "Confusion": results.confusion,
    "Classes": results.classes,
    "Mistakes": results.mistakes,
    "Float32 and int8": results.files,
    "Robustness": results.robustness,
    "Layers": layers,
    "Latency": latency,
    "Devices": facts.devices,
    "Published figures": facts.published,
    "What the file wants": facts.wants,
    "Provenance": facts.provenance,
}


def write_page(model: str, path: Path | None = None) -> Page:
    """Write the page about MODEL, to `default_path` by default. Errors as `gather`."""
    subject, path = gather(model), path or default_path(model)
    text = document(subject)
    write(path, text)
    return Page(path=path, bytes=len(text.encode()), left_out=tuple(map(": ".join, left_out(subject))))


def document(s: Subject) -> str:
    """The HTML of a page. The same subject gives the same text."""
    made = {title: section(s) for title, section in SECTIONS.items()}
    made = {title: content for title, content in made.items() if content}
    menu = tag("nav", *(tag("a", title, href=f"#{_anchor(title)}") for title in made), aria_label="Sections")
    sections = [tag("section", tag("h2", title), content, id=_anchor(title)) for title, content in made.items()]
    main = tag("main", join([*sections, missing(s)], "\n"))
    return whole(f"{s.name}: eyespot report", summary(s), menu, main, _footer())


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _footer() -> Markup:
    version = tools()["eyespot"]
    said = f"Written by eyespot {version} from the files and measurements named above; nothing was measured for it."
    more = "Intervals are 95 % intervals. eyespot is independent of the makers of the devices."
    return tag("footer", tag("p", said), tag("p", more))
