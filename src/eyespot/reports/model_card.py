"""The model card, which `make` writes beside the files; the pages under docs/models are the same text."""

from __future__ import annotations

from collections.abc import Sequence

from eyespot.artifacts.measurements import Accuracy, Compatibility
from eyespot.artifacts.model_folder import Artifact
from eyespot.artifacts.reliability import reliabilities
from eyespot.artifacts.training_cost import training_cost
from eyespot.escaping import markdown, markdown_code
from eyespot.preprocessing.spec import Contract
from eyespot.reports import card_results, words
from eyespot.zoo import provenance, registry
from eyespot.zoo.cards import Model

SHOWN = 20


def model_card(
    contract: Contract,
    files: Sequence[Artifact],
    accuracies: Sequence[Accuracy],
    compatibility: Sequence[Compatibility],
) -> str:
    """Markdown of one model, from its card, its sidecars and the measurements with their origins."""
    card, main = registry.model(contract.model), card_results.main(accuracies)
    own = any("training_images" in file.facts for file in files)
    sections = {
        "Input": _input(contract),
        "Accuracy": card_results.accuracy(accuracies, files),
        "Accuracy per class": card_results.per_class(main, contract.classes),
        "Robustness": card_results.robustness(main, accuracies),
        "Confidence": card_results.confidence(reliabilities(card.name, {file.sha256 for file in files})),
        "Training": _training(card, files),
        "Files": _files(files),
        "Devices": _devices(compatibility),
        "Published weights": _weights(card),
        "Published figures": "" if own else _references(card),
        "Origin": f"- Paper: {card.paper}\n- Licence: {card.licence}\n- Terms: {card.terms}\n",
    }
    body = "\n".join(f"## {title}\n\n{text}" for title, text in sections.items() if text)
    tuned = f"Fine-tuned from {card.name} on {len(contract.classes)} custom classes."
    about = tuned if own else f"{card.parameters:,} parameters as Keras counts them."
    return f"# {card.title}\n\n{about}\n\n{body}"


def _input(contract: Contract) -> str:
    spec = contract.preprocessing
    size = f"{spec.height} x {spec.width} x {spec.channels}"
    order = {"rgb": "RGB", "bgr": "BGR", "gray": "gray"}[spec.order]
    crop = f"the central {100 * spec.crop:g} % square" if spec.crop else "the whole image"
    mean, std = (", ".join(f"{x:g}" for x in numbers) for numbers in (spec.mean, spec.std))
    real = "pixel" if (mean, std) == ("0", "1") else f"(pixel - {mean}) / {std}"
    named = [*map(markdown, contract.classes[:SHOWN]), *(["..."] if len(contract.classes) > SHOWN else [])]
    return (
        f"{size}, {order}, rows from the top; {crop}, resized with the {spec.resize} filter.\n"
        f"The int8 file takes `pixel - 128`, the float32 file `{real}`.\n\n"
        f"Classes in order: {', '.join(named)}.\n"
    )


def _training(card: Model, files: Sequence[Artifact]) -> str:
    cost = training_cost(card.name, {digest for file in files for digest in file.inputs.values()})
    return f"{markdown(words.training(cost))}.\n" if cost else ""


def _files(files: Sequence[Artifact]) -> str:
    """Sizes and digests, and a warning where stand-in weights are in them."""
    rows = [
        (markdown(f.file), f"{f.facts['bytes']:,}", f"{f.facts['operations'] / 1e6:.1f} M", markdown_code(f.sha256))
        for f in files
    ]
    name = next(filter(None, map(provenance.stand_in, files)), "")
    meaning = "is not" if any(map(provenance.untrained, files)) else "is that of these weights"
    warning = f"\nMade of stand-in weights ({markdown(name)}): operators and sizes are real, accuracy {meaning}.\n"
    return words.table(("File", "Bytes", "Operations", "sha256"), rows) + (warning if name else "")


def _devices(compatibility: Sequence[Compatibility]) -> str:
    cells = (
        (c.device, words.check(f), f.status, words.value(f), f.kind, f.tool, words.reason(f), f.source)
        for c in compatibility
        for f in c.findings
    )
    rows = [list(map(markdown, row)) for row in cells]
    return words.table(("Device", "Check", "Status", "Value", "Kind", "Tool", "Why", "Source"), rows)


def _weights(card: Model) -> str:
    rows = [(f"`{w.name}`", w.download.url, w.licence, "yes" if w.stand_in else "") for w in card.weights]
    return words.table(("Name", "From", "Licence", "Stand-in"), rows) if rows else ""


def _references(card: Model) -> str:
    rows = [
        (r.publisher, quantity, value, f"{r.source}, {r.date}")
        for r in card.references
        for quantity, value in r.figures.items()
    ]
    differs = f"\n{card.differs}\n" if card.differs else ""
    return words.table(("Publisher", "Quantity", "Value", "Source"), rows) + differs if rows else ""
