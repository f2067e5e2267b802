"""The files of the playground and the HTML around them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from eyespot.artifacts.atomic import write as write_file
from eyespot.artifacts.atomic import write_json
from eyespot.exports.web import for_web, page_contract
from eyespot.preprocessing.image import to_pillow
from eyespot.preprocessing.spec import Contract
from eyespot.reports.page.markup import Markup, join, tag
from eyespot.site.drawings import SIDE, drawn
from eyespot.site.playground.runtime import runtime_files
from eyespot.tflite.read import File

HERE = Path(__file__).parent
STYLE = HERE / "playground.css"
SCRIPTS = ("playground.js", "network.js", "picture.js", "preprocess.js")
SAMPLES = ("airplane", "cat", "boat", "mug", "person", "face", "hand")  # of `drawings`

SQUARE_ONLY = ("Only the central square", "the sides are cut off")
LABELS = {  # of the mistakes: what it is, where it comes from
    "bgr": ("Red and blue swapped", "BGR, the order in which OpenCV reads a picture"),
    "0..1": ("Scaled to 0..1", "pixels / 255, unlike in training"),
    "-1..1": ("Scaled to −1..1", "pixels / 127.5 − 1, unlike in training"),
    "rgb565-swapped": ("RGB565 bytes swapped", "a frame buffer of the other byte order"),
    "squash": ("Squashed", "the whole picture, its sides pressed to the input's"),
    "crop": ("Not cropped closely", "the whole central square, more than in training"),
}


def write(
    folder: Path,
    file: File,
    contract: Contract,
    *,
    address: str = "playground/",
    runtime: Path | None = None,
    min_confidence: float = 0.0,
) -> Markup:
    """Write the playground of a file, and return the part of a page that runs it.

    Several files share `folder`: what belongs to one lies in models/, under its digest. `address` leads from the page
    to the folder. The page needs `STYLE` and the policy of `allowed`. `runtime` is a folder of @litertjs/core that is
    copied; without it a browser gets LiteRT.js from a CDN. `min_confidence` is the least probability of an answer.
    Errors as `for_web` and `runtime_files`.
    """
    web = for_web(file)
    model = web.sha256[:16]
    content = page_contract(file, web, contract, min_confidence=min_confidence)
    _write_shared(folder, runtime)
    write_file(folder / "models" / model / "model", gzip.compress(web.data, 6, mtime=0))  # no server knows that name
    write_json(folder / "models" / model / "contract.json", content)
    part = tag("div", *_parts(content, file, address), class_="playground", data_model=model)
    return join([part, tag("script", type="module", src=f"{address}playground.js")])


def _write_shared(folder: Path, runtime: Path | None) -> None:
    """Scripts, samples and the runtime, as far as they do not lie there already."""
    files = {name: (HERE / name).read_bytes() for name in SCRIPTS} | runtime_files(runtime)
    files |= {f"samples/{subject}.png": _sample(subject) for subject in SAMPLES}
    for name, data in files.items():
        if not (folder / name).is_file() or (folder / name).read_bytes() != data:
            write_file(folder / name, data)


def _sample(subject: str) -> bytes:
    """A drawing as PNG, wider than high, so that cropping and squashing show."""
    more = SIDE // 6
    wide, encoded = np.pad(drawn(subject), ((0, 0), (more, more), (0, 0)), mode="edge"), BytesIO()
    to_pillow(wide).save(encoded, "PNG", optimize=True)
    return encoded.getvalue()


def _parts(content: Mapping[str, Any], file: File, address: str) -> Iterator[Markup]:
    size = f"{len(file.data) / 1e6:,.1f} MB" if len(file.data) >= 1e5 else f"{len(file.data) / 1e3:,.0f} kB"
    yield tag(
        "p",
        "This part of the page needs JavaScript, and a web server: a page that is opened as a file may load nothing. "
        "In its folder run python -m http.server, and open http://localhost:8000.",
        class_="note", data_part="status", role="status",
    )  # fmt: skip
    yield tag("div", _source(address), _seen(content), _answer(content, size), class_="panes")
    yield _mistakes(content)


def _source(address: str) -> Markup:
    """Where pictures come from."""
    view = tag("canvas", class_="view", width="4", height="3", role="img", aria_label="The picture", data_part="view")
    hint = tag("p", "Drop a picture here", class_="hint", data_part="hint")
    choose = tag(
        "label", "Choose a picture", tag("input", type="file", accept="image/*", data_part="file"), class_="button"
    )
    camera = tag("button", "Use the camera", type="button", class_="button", data_part="camera")
    samples = (
        tag(
            "button", tag("img", src=f"{address}samples/{subject}.png", alt="", width="64", height="48"),
            type="button", data_part="sample", aria_label=f"Sample: {subject}",
        )
        for subject in SAMPLES
    )  # fmt: skip
    return tag(
        "div",
        tag("div", view, hint, class_="drop", data_part="drop"),
        tag("div", choose, camera, class_="buttons"),
        tag("div", *samples, class_="samples", role="group", aria_label="Drawn samples"),
        tag(
            "p",
            "The samples are drawings. Your pictures do not leave this machine.",
            class_="quiet small-print",
        ),
    )


def _seen(content: Mapping[str, Any]) -> Markup:
    _, height, width, channels = content["input"]["shape"]
    canvas = tag(
        "canvas", width=width, height=height, role="img", aria_label="The input tensor as a picture", data_part="seen"
    )
    kind = "gray" if channels == 1 else content["pipeline"]["order"].upper()
    under = f"{width} × {height} pixels, {kind}: the input tensor as a picture, enlarged."
    return tag("div", tag("h3", "What the network sees"), canvas, tag("p", under, class_="quiet small-print"))


def _answer(content: Mapping[str, Any], size: str) -> Markup:
    placeholder = tag("span", f"The first answer loads LiteRT.js (9.4 MB) and {content['model']} ({size}).")
    least = content["min_confidence"]
    slider = tag(
        "label",
        tag("span", "Least confidence ", tag("output", data_part="least")),
        tag("input", type="range", min="0", max="0.99", step="0.01", value=least, data_part="threshold"),
        tag("span", class_="quiet small-print", data_part="expected"),
        class_="threshold",
    )  # fmt: skip
    return tag(
        "div",
        tag("h3", "Answer"),
        tag("p", placeholder, class_="headline", data_part="headline", aria_live="polite"),
        tag("ol", class_="bars", data_part="bars", aria_label="Most probable classes"),
        slider,
        tag("p", class_="quiet small-print", data_part="time"),
        data_part="answer",
    )


def _mistakes(content: Mapping[str, Any]) -> Markup:
    """A switch for each classic mistake, and the answer that it alone gives."""
    lead = "Switch one on to feed the network as a wrong pipeline does. Beside each is the answer that it gives alone."
    rows = (_mistake(word, *_label(word, content)) for word in content["mistakes"])
    return tag(
        "fieldset",
        tag("legend", "Classic mistakes"),
        tag("p", lead, class_="quiet"),
        tag("ul", *rows),
        class_="mistakes",
    )


def _mistake(word: str, what: str, why: str) -> Markup:
    switch = tag("input", type="checkbox", role="switch", value=word)
    label = tag("label", switch, tag("span", what, tag("span", why, class_="why")))
    return tag("li", label, tag("span", class_="effect", data_part="effect", data_mistake=word))


def _label(word: str, content: Mapping[str, Any]) -> tuple[str, str]:
    return SQUARE_ONLY if word == "crop" and content["pipeline"]["fit"] == "squash" else LABELS[word]
