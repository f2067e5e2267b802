"""From models to a folder of pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from eyespot.artifacts import atomic
from eyespot.artifacts.lock import held
from eyespot.devices import devices as all_devices
from eyespot.errors import MissingExtraError
from eyespot.escaping import file_name
from eyespot.nouns import Noun
from eyespot.progress import note, track
from eyespot.reports import audit
from eyespot.reports.page.gather import Part, Subject, gather
from eyespot.reports.page.shell import STYLE
from eyespot.site import playground, plots
from eyespot.site.audit import audit_page
from eyespot.site.device import device_page, overview
from eyespot.site.device import path as device_path
from eyespot.site.entry import Entry, entries
from eyespot.site.gallery import gallery
from eyespot.site.model import model_page
from eyespot.site.shell import SHEET
from eyespot.zoo import registry
from eyespot.zoo.models import MODELS

SCRIPTS = ("site.js", "plots.js")
STYLES = (STYLE, Path(__file__).with_name("site.css"), playground.STYLE)
Page = tuple[str, Callable[[], str]]  # the path of a page, and what makes its text


@dataclass(frozen=True, kw_only=True, repr=False)
class Site(Noun):
    """A written site: its first page, how many pages it has, and the bytes of all files in its folder."""

    index: Path
    models: int
    pages: int
    bytes: int


def write(models: Sequence[str], out: Path, runtime: Path | None = None) -> Site:
    """Write the pages of these models to a folder, of the whole zoo without any. Errors as `gather`.

    `runtime` is a folder of @litertjs/core that is copied; without it a browser gets LiteRT.js from a CDN when a
    model is tried. Each file is whole or absent. Files of earlier sites that are no longer written stay.
    """
    named = models or [card.name for card in MODELS]
    with held(out):
        many = entries(gather(each) for each in track(named, len(named), "read"))
        atomic.write(out / SHEET, "".join(path.read_text("utf-8") for path in STYLES))
        _write_scripts(many, out)
        pages = _pages(many, out, runtime, whole=not models)
        for where, made in track(pages, len(pages), "write"):
            atomic.write(out / where, made())
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return Site(index=out / "index.html", models=len(many), pages=len(pages), bytes=size)


def _pages(many: Sequence[Entry], out: Path, runtime: Path | None, *, whole: bool) -> list[Page]:
    """All pages, with what makes each."""
    checked = {c.device for e in many for c in e.subject.compatibility}
    devices = [d for d in all_devices() if whole or d.name in checked]
    places = ["index.html", *(["devices.html"] if devices else []), *(["audit.html"] if whole else [])]
    pages: list[Page] = [("index.html", partial(gallery, many, devices, places))]
    pages += [(e.path, partial(_model, e, places, out, runtime)) for e in many]
    if devices:
        pages.append(("devices.html", partial(overview, many, devices, places)))
        pages += [(device_path(d), partial(device_page, d, many, places)) for d in devices]
    if whole:
        pages.append(("audit.html", partial(audit_page, audit.read(), many, places)))
    return pages


def _model(e: Entry, places: Sequence[str], out: Path, runtime: Path | None) -> str:
    """A model's page, after the files that it links to."""
    s = e.subject
    downloads = {part.name: f"files/{e.slug}/{file_name(part.name)}" for part in s.parts if _downloaded(s, part)}
    for part in s.parts:
        if part.file and part.name in downloads:
            atomic.write(out / downloads[part.name], part.file.data)
    file = s.main.file
    if not (file and s.contract and s.main.precision == "int8"):
        return model_page(e, places, downloads)
    tried = playground.write(out / "playground", file, s.contract, address="../playground/", runtime=runtime)
    return model_page(e, places, downloads, tried=tried, allowed=playground.allowed(runtime))


def _downloaded(s: Subject, part: Part) -> bool:
    """Whether a file lies beside the pages: int8 files that ship or are the user's own; others are built."""
    return part.file is not None and part.precision == "int8" and (s.origin != "built" or registry.ships(s.name))


def _write_scripts(many: Sequence[Entry], out: Path) -> None:
    """The scripts of the first page; without the extra it has no plots, which is said."""
    texts = {name: Path(__file__).with_name(name).read_text("utf-8") for name in SCRIPTS}
    if plots.drawable(many):
        texts["vega.js"] = plots.bundle()
    elif len(many) > 1 and not plots.installed():
        note(f"no plots: {MissingExtraError('altair and vl-convert-python', 'site')}")
    for name, text in texts.items():
        atomic.write(out / "assets" / name, text)
