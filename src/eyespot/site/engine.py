"""From models to a folder of pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eyespot.artifacts import atomic
from eyespot.artifacts.lock import held
from eyespot.devices import devices as all_devices
from eyespot.escaping import file_name
from eyespot.nouns import Noun
from eyespot.progress import track
from eyespot.reports import audit
from eyespot.reports.page.gather import Subject, gather
from eyespot.reports.page.markup import Markup
from eyespot.site import plots
from eyespot.site.audit import audit_page
from eyespot.site.device import address, device_page, overview
from eyespot.site.entry import Entry, entries
from eyespot.site.gallery import gallery
from eyespot.site.model import model_page
from eyespot.zoo import registry
from eyespot.zoo.models import MODELS

SCRIPTS = ("site.js", "plots.js")
Page = tuple[str, Callable[[], str]]  # the address of a page, and what makes its text


@dataclass(frozen=True, kw_only=True, repr=False)
class Site(Noun):
    """A written site: its first page, how many pages it has and their bytes with all files beside them."""

    index: Path
    models: int
    pages: int
    bytes: int


def write(models: Sequence[str], out: Path) -> Site:
    """Write the pages of these models to a folder, of the whole zoo without any. Errors as `gather`.

    Each file is whole or absent. Files of earlier sites that are no longer written stay.
    """
    named = models or [card.name for card in MODELS]
    with held(out):
        many = entries(gather(each) for each in track(named, len(named), "read"))
        size = sum(map(_written, [out / name for name in _assets(out)]))
        pages = _pages(many, whole=not models)
        for where, made in track(pages, len(pages), "write"):
            size += _written(atomic.write(out / where, made()))
        size += sum(_written(path) for e in many for path in _files(e, out))
    return Site(index=out / "index.html", models=len(many), pages=len(pages), bytes=size)


def _pages(many: Sequence[Entry], *, whole: bool) -> list[Page]:
    """All pages, with what makes each."""
    checked = {c.device for e in many for c in e.subject.compatibility}
    devices = [d for d in all_devices() if whole or d.name in checked]
    places = ["index.html", *(["devices.html"] if devices else []), *(["audit.html"] if whole else [])]
    pages: list[Page] = [("index.html", lambda: gallery(many, devices, places))]
    pages += [(e.address, lambda e=e: _model(e, places)) for e in many]  # type: ignore[misc]
    if devices:
        pages.append(("devices.html", lambda: overview(many, devices, places)))
        pages += [(address(d), lambda d=d: device_page(d, many, places)) for d in devices]  # type: ignore[misc]
    if whole:
        pages.append(("audit.html", lambda: audit_page(audit.read(), many, places)))
    return pages


def _model(e: Entry, places: Sequence[str]) -> str:
    downloads = {name: f"../files/{e.slug}/{file_name(name)}" for name in _downloads(e.subject)}
    return model_page(e, places, downloads, playground=Markup(""))


def _downloads(s: Subject) -> list[str]:
    """The files that lie beside the pages: int8 files that ship or are the user's own; others are built."""
    ours = s.origin == "built" and not registry.ships(s.name)
    return [part.name for part in s.parts if part.file and part.precision == "int8" and not ours]


def _files(e: Entry, out: Path) -> list[Path]:
    """Write what can be downloaded."""
    kept = [part for part in e.subject.parts if part.file and part.name in _downloads(e.subject)]
    return [atomic.write(out / "files" / e.slug / file_name(p.name), p.file.data) for p in kept if p.file]


def _assets(out: Path) -> list[str]:
    """Write the scripts of all pages; their names."""
    texts = {name: Path(__file__).with_name(name).read_text("utf-8") for name in SCRIPTS} | {"vega.js": plots.bundle()}
    for name, text in texts.items():
        atomic.write(out / "assets" / name, text)
    return [f"assets/{name}" for name in texts]


def _written(path: Path) -> int:
    return path.stat().st_size
