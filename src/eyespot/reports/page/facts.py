"""Sections of the page on where the model runs, what it takes, and what it was made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from eyespot.artifacts.measurements import Compatibility, Finding
from eyespot.artifacts.model_folder import Artifact
from eyespot.devices import devices as cards
from eyespot.preprocessing.spec import Contract
from eyespot.quantity import wilson
from eyespot.reports import words
from eyespot.reports.page.figures import answer, between, chip, command, found, percent, verdicts
from eyespot.reports.page.gather import Part, Subject
from eyespot.reports.page.markup import Markup, code, folded, join, name, table, tag
from eyespot.tflite.run import levels

CLASSES = 60  # that are listed at once
LONG = 12  # entries of a list in a sidecar that are shown
MEMORY = ("arena", "npu sram", "npu activations")
LATENCY = ("npu latency", "latency")
FINDING = ("Check", "Status", "Found", "How", "Why")


def devices(s: Subject) -> Markup:
    """A folded line for each device: verdicts, memory, latency; within it each finding with its origin."""
    return join(map(_device, s.compatibility), "\n")


def _device(c: Compatibility) -> Markup:
    memory, latency = found(c, *MEMORY), found(c, *LATENCY)
    figures = (("Memory", memory), ("Latency", latency))
    said = [tag("span", f"{what} {answer(f)}", class_="figure") for what, f in figures if f]
    rows = map(finding, c.findings)
    title = tag("strong", device_title(c.device))
    summary = join([title, tag("span", *verdicts(c), class_="chips"), tag("span", *said)], " ")
    return folded(
        tag("span", summary, class_="device"), table(f"Findings on {device_title(c.device)}", FINDING, rows, "findings")
    )


def finding(f: Finding) -> tuple[object, ...]:
    """A row of a table with the columns FINDING."""
    return words.check(f), chip(f.status, f.status), words.value(f), _how(f), _why(f)


def device_title(device: str) -> str:
    """What people call it."""
    return next((card.title for card in cards() if card.name == device), device)


def _how(f: Finding) -> str:
    return f.kind if f.tool == "none" else f"{f.kind}, {f.tool}"


def _why(f: Finding) -> Markup:
    return join(
        [words.reason(f), *([] if f.kind == "measured" else [tag("span", f" Source: {f.source}", class_="quiet")])]
    )


def published(s: Subject) -> Markup:
    """What others published of a model of ours."""
    references = s.card.references if s.card and s.origin == "built" else ()
    rows = [
        (r.publisher, quantity, value, f"{r.source}, {r.date}")
        for r in references
        for quantity, value in r.figures.items()
    ]
    differs = tag("p", s.card.differs) if s.card and s.card.differs else Markup("")
    columns = ("Publisher", "Quantity", "Value", "Source")
    return join([table("Not measured here", columns, rows), differs]) if rows else Markup("")


def wants(s: Subject) -> Markup:
    """The contract in words, and the tensors."""
    file, contract = s.main.file, s.contract
    rows = (
        _contract(s.main, contract)
        if contract
        else [("Contract", "none in the file; only its maker knows what it expects")]
    )
    tensors = (("Input", file.input), ("Output", file.output)) if file else ()
    rows += [(f"{what} tensor", _tensor(each)) for what, each in tensors]
    return join([definitions(rows), *([_classes(contract.classes), _confidence(contract)] if contract else [])])


def _contract(part: Part, contract: Contract) -> list[tuple[str, object]]:
    spec = contract.preprocessing
    order = {"rgb": "red, green, blue", "bgr": "blue, green, red", "gray": "gray, one channel"}[spec.order]
    crop = f"the central square of {100 * spec.crop:g} % of the shorter side" if spec.crop else "the whole picture"
    return [
        ("Size", f"{spec.height} × {spec.width} pixels (height × width), channels: {spec.channels}"),
        ("Colours", order),
        ("Part of the picture", f"{crop}, upright"),
        ("Resized by", f"Pillow's {spec.resize} filter, to exactly this size"),
        ("Numbers", _numbers(part, contract)),
    ]  # fmt: skip


def _numbers(part: Part, contract: Contract) -> Markup:
    spec = contract.preprocessing
    mean, std = (", ".join(f"{x:g}" for x in numbers) for numbers in (spec.mean, spec.std))
    real = "pixel" if (mean, std) == ("0", "1") else f"(pixel − {mean}) / {std}"
    if part.precision == "float32":
        return join([code(real), ", pixels from 0 to 255, as float32"])
    tensor = part.file.input if part.file else None  # every int8 file of ours takes pixel - 128
    plain = tensor is None or (levels(spec, tensor).reshape(256, -1) == np.arange(-128, 128)[:, None]).all()
    stored = "pixel − 128" if plain or not tensor else f"round({real} / {tensor.scale:g}) + {tensor.zero_point}"
    return join([code(stored), f", pixels from 0 to 255, as {part.precision}"])


def _tensor(tensor: Any) -> Markup:
    shape = " × ".join(map(str, tensor.shape))
    shifted = f"(stored {'−' if tensor.zero_point > 0 else '+'} {abs(tensor.zero_point)})"
    real = f", real = {shifted if tensor.zero_point else 'stored'} × {tensor.scale:.6g}" if tensor.scale else ""
    return join([code(tensor.name), f": {shape}, {tensor.dtype}{real}"])


def _classes(names: Sequence[str]) -> Markup:
    title = f"{len(names):,} classes in the order of the output"
    listed = tag("ol", *(tag("li", name(each)) for each in names), start="0", class_="labels")
    return folded(title, listed) if len(names) > CLASSES else join([tag("h3", title), listed])


def _confidence(contract: Contract) -> Markup:
    """What probabilities are worth on validation images, threshold by threshold."""
    known = contract.confidence
    if not known:
        return Markup("")
    rows = [
        (percent(r.threshold), f"{r.answered:,} of {known.rows[0].answered:,}", percent(r.correct / r.answered),
         between(*wilson(r.correct, r.answered)))
        for r in known.rows
    ]  # fmt: skip
    caption = f"On validation images, of probabilities at temperature {known.temperature:.4g}"
    columns = ("Confidence of at least", "Answered", "Precision", "95 % interval")
    return folded("What a confidence is worth", table(caption, columns, rows, "numbers"))


def definitions(rows: Iterable[tuple[object, object]]) -> Markup:
    """Names with what they mean."""
    return tag("dl", join((tag("div", tag("dt", key), tag("dd", value)) for key, value in rows), "\n"), class_="pairs")


def provenance(s: Subject) -> Markup:
    """The chain of each file, each measurement with its command; all of it folded."""
    shown: set[str] = set()
    made = [folded(name(part.name), definitions(_operators(part)), *_chain(part, shown)) for part in s.parts]
    measured = [e for part in s.parts for e in part.evaluations]
    rows = [
        (
            code(command(e)),
            percent(e.top1),
            between(e.low, e.high),
            f"{e.n:,}",
            code(e.data_digest[:12]),
            tools(e.tools),
        )
        for e in measured
    ]
    columns = ("Command", "Top-1", "95 % interval", "n", "Images' digest", "Tools")
    listed = folded(
        f"{len(rows)} accuracies and the commands that measure them",
        table("What was measured of these files", columns, rows, "numbers commands"),
    )
    return join([*made, *([listed] if rows else [])], "\n")


def _operators(part: Part) -> list[tuple[str, object]]:
    operators = part.file.operators if part.file else ()
    counts = ", ".join(f"{operators.count(each)} {each}" for each in sorted(set(operators)))
    return [("sha256", code(part.sha256)), *([("Operators", counts)] if counts else [])]


def _chain(part: Part, shown: set[str]) -> Iterator[Markup]:
    """What the file was made from, link by link, without those that are `shown` already."""
    for link in part.chain:
        if link.sha256 not in shown:
            shown.add(link.sha256)
            yield tag("h3", name(link.file))
            yield definitions(_link(link))


def _link(link: Artifact) -> list[tuple[str, object]]:
    return [
        ("Made by", code(f"eyespot {link.verb}")),
        ("Model", name(link.model)),
        ("sha256", code(link.sha256)),
        *((f"From {key}", code(digest)) for key, digest in link.inputs.items()),
        ("Arguments", _plain(link.arguments)),
        ("Facts", _plain(link.facts)),
        ("Tools", tools(link.tools)),
    ]


def tools(versions: Mapping[str, str]) -> str:
    """Names and versions."""
    return ", ".join(f"{key} {version}" for key, version in versions.items())


def _plain(value: Any) -> str:
    """A value of JSON in words; a long list by its length."""
    if isinstance(value, Mapping):
        pairs = ((key, _plain(each), isinstance(each, Mapping)) for key, each in value.items())
        return ", ".join(f"{key} ({said})" if nested else f"{key} {said}" for key, said, nested in pairs)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_plain, value))}]" if len(value) <= LONG else f"[{len(value)} entries]"
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
