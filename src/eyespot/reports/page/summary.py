"""The head of the page: what the model is, the figures that decide, what to beware of; and what is not known."""

from __future__ import annotations

from eyespot.reports import words
from eyespot.reports.page.facts import device_title
from eyespot.reports.page.figures import between, data, percent, size, used, verdicts
from eyespot.reports.page.gather import Subject
from eyespot.reports.page.markup import Markup, code, join, name, tag
from eyespot.zoo import provenance

MEMORY = (("arena", "RAM", "TFLM's arena, measured on a host"), ("npu sram", "SRAM of the NPU", "as vela plans it"))


def summary(s: Subject) -> Markup:
    """The header."""
    title = join(
        [tag("p", "eyespot report", class_="brand"), tag("h1", name(s.name)), tag("p", lead(s), class_="lead")]
    )
    return tag("header", title, figures(s), _verdicts(s), notes(s))


def figures(s: Subject) -> Markup:
    """The numbers that decide."""
    return tag("dl", *(tag("div", tag("dt", key), tag("dd", value)) for key, value in _figures(s)), class_="facts")


def notes(s: Subject) -> Markup:
    """What a reader of the figures has to know first."""
    return join(tag("p", each, class_="note") for each in _notes(s))


def lead(s: Subject) -> str:
    """What it is, in a sentence."""
    file = s.main.file
    sides = file.input.shape[1:] if file else s.contract.preprocessing.shape if s.contract else ()
    shape = f"{' × '.join(map(str, sides))} {s.main.precision} in"
    if not s.contract:
        outputs = f"{' × '.join(map(str, file.output.shape[1:]))} {file.output.dtype} out" if file else ""
        return f"A .tflite file without a contract of eyespot; {shape}, {outputs}."
    count = f"{len(s.contract.classes):,} classes"
    if not s.card:
        return f"An image classifier called {s.contract.model}: {count}; {shape}."
    if any("training_images" in link.facts for link in s.main.chain):
        return f"{s.card.title}, fine-tuned on {s.trained.data or 'own pictures'}: {count}; {shape}."
    return f"{s.card.title} ({s.card.architecture}, {s.card.backbone}), an image classifier: {count}; {shape}."


def _figures(s: Subject) -> list[tuple[str, Markup]]:
    main = s.main
    others = [f"{part.precision} {size(part.bytes)}" for part in s.parts[1:] if part.bytes]
    operations = "unknown" if main.operations is None else f"{main.operations / 1e6:,.1f} M"
    return [
        (f"Top-1, {main.precision}", _top1(s)),
        (f"File, {main.precision}", _figure(size(main.bytes) if main.bytes else "unknown", *others)),
        _memory(s),
        ("Operations a picture", _figure(operations, "a multiply-add counts as two")),
    ]


def _top1(s: Subject) -> Markup:
    e, pair = s.main.clean, s.pair
    if not e:
        return _figure("not measured")
    beside = [f"{other.precision}: {percent(other.top1)}" for other in pair or () if pair and e in pair and other != e]
    return _figure(percent(e.top1), f"95 %: {between(e.low, e.high)}", f"n = {e.n:,}, {data(e)}", *beside)


def _memory(s: Subject) -> tuple[str, Markup]:
    """The arena of TFLM, the same on all devices, or else what the NPU's compiler plans."""
    for check, title, under in MEMORY:
        if known := used(s.compatibility, check):
            return title, _figure(size(known), under)
    return "RAM", _figure("not measured")


def _figure(value: str, *under: str) -> Markup:
    kind = "value" if value[:1].isdigit() else "value absent"
    return join([tag("span", value, class_=kind), *(tag("span", each, class_="under") for each in under)])


def _verdicts(s: Subject) -> Markup:
    rows = [
        tag("li", tag("span", device_title(c.device)), tag("span", *verdicts(c), class_="chips"))
        for c in s.compatibility
    ]
    return tag("ul", *rows, class_="verdicts", aria_label="Devices") if rows else Markup("")


def _notes(s: Subject) -> list[str]:
    e, part = s.main.clean, s.main
    notes = [f"This file is {part.refused}."] if part.refused else []
    if not part.file:
        notes.append(f"The file is not on this machine: eyespot make {s.name} builds it.")
    if not part.refused and part.chain and (weights := provenance.stand_in(part.chain[0])):
        notes.append(f"The weights {weights} stand in for the publisher's; the accuracy is theirs.")
    if s.card and part.chain and (why := provenance.broken(s.card, part.chain)):
        notes.append(f"The chain of digests is not verified: {why}.")
    if e and e.artifact != part.sha256:
        notes.append("The accuracy was measured on another build of the same recipe.")
    if e and s.card and s.origin == "built" and e.data != s.card.data:
        notes.append(f"The accuracy is that {words.elsewhere(e, s.card)}.")
    known = [*([] if e.training_images else [words.UNKNOWN]), *words.hygiene(e)] if e else []
    return notes + [f"Test images: {each}." for each in known]


def left_out(s: Subject) -> tuple[tuple[str, str], ...]:
    """What the page lacks, and how to get it."""
    own, clean = s.origin == "own", s.main.clean
    evaluate = {"own": f"eyespot evaluate {s.name}/", "built": f"eyespot measure {s.name}", "file": ""}[s.origin]
    kept = "kept beside files in a folder that eyespot train or make wrote"
    lacking = {
        ("the int8 file", f"eyespot quantize {s.name}/"): own and not s.part("int8"),
        ("accuracy on test images", evaluate or kept): not (clean or s.main.refused),
        ("float32 beside int8", f"{evaluate}:float32" if own else evaluate): clean and len(s.parts) > 1 and not s.pair,
        ("robustness", f"{evaluate} --under jpeg" if own else evaluate): clean and evaluate and not s.damaged,
        ("devices", f"eyespot make {s.name}/" if own else evaluate or kept): not s.compatibility,
        ("training curves", "drawn for runs with epochs"): own and not s.trained.history,
    }
    return tuple(said for said, applies in lacking.items() if applies)


def missing(s: Subject) -> Markup:
    """The section on what is not in the page."""
    rows = [
        tag("li", f"{what[:1].upper()}{what[1:]}: ", code(how) if how.startswith("eyespot ") else how)
        for what, how in left_out(s)
    ]
    return tag("section", tag("h2", "Not in this report"), tag("ul", *rows)) if rows else Markup("")
