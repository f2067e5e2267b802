"""A page of the playground alone."""

from __future__ import annotations

from pathlib import Path

from eyespot.artifacts.atomic import write as write_file
from eyespot.artifacts.model_folder import tools
from eyespot.preprocessing.spec import Contract
from eyespot.reports.page.markup import Markup, name, tag
from eyespot.reports.page.shell import whole
from eyespot.site.playground.runtime import allowed
from eyespot.site.playground.write import STYLE, write
from eyespot.tflite.read import File


def write_page(
    file: File, contract: Contract, folder: Path, *, runtime: Path | None = None, min_confidence: float = 0.0
) -> tuple[Path, ...]:
    """Write index.html and its playground/; all files of the folder. `contract.model` is its title. As `write`."""
    part = write(folder / "playground", file, contract, runtime=runtime, min_confidence=min_confidence)
    body = tag("main", tag("section", tag("h2", "Try it"), part))
    text = whole(
        f"{contract.model} in the browser", _head(contract), body, _footer(file),
        style=STYLE.read_text("utf-8"), allowed=allowed(runtime),
    )  # fmt: skip
    page = write_file(folder / "index.html", text)
    return page, *sorted(path for path in (folder / "playground").rglob("*") if path.is_file())


def _head(contract: Contract) -> Markup:
    lead = f"An image classifier of {len(contract.classes):,} classes, running in this page."
    brand = tag("p", "eyespot", class_="brand")
    return tag("header", brand, tag("h1", name(contract.model)), tag("p", lead, class_="lead"))


def _footer(file: File) -> Markup:
    said = f"Written by eyespot {tools()['eyespot']} from {file.path.name}, sha256 {file.sha256[:16]}…"
    return tag("footer", tag("p", said))
