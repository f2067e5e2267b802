"""The model card that `make` writes beside the files: what it is, was measured at and runs on."""

from __future__ import annotations

from collections.abc import Sequence

from eyespot import registry
from eyespot.cards import Compatibility, Contract, Evaluation
from eyespot.markdown import share, table
from eyespot.tflite.read import File

SHOWN = 20


def model_card(
    contract: Contract,
    files: Sequence[File],
    measured: Sequence[tuple[Evaluation, str]],
    compatibility: Sequence[Compatibility],
) -> str:
    """Markdown of one model, from its card, its files and the measurements with their origins."""
    card = registry.model(contract.model)
    sections = {
        "Input": _input(contract),
        "Accuracy": _accuracy(measured),
        "Files": _files(files),
        "Devices": _devices(compatibility),
        "Origin": f"- Paper: {card.paper}\n- Licence: {card.licence}\n- Terms: {card.terms}\n",
    }
    body = "\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"# {card.title}\n\n{card.parameters:,} parameters as Keras counts them.\n\n{body}"


def _input(contract: Contract) -> str:
    taken = contract.input
    order = "RGB" if taken.channels == 3 else "gray"
    crop = f"the central {100 * taken.crop:g} % square" if taken.crop else "the whole image"
    real = "pixel" if (taken.mean, taken.std) == (0, 1) else f"(pixel - {taken.mean:g}) / {taken.std:g}"
    size = f"{taken.height} x {taken.width} x {taken.channels}"
    named = [*contract.classes[:SHOWN], *(["..."] if len(contract.classes) > SHOWN else [])]
    return (
        f"{size}, {order}, rows from the top; {crop}, resized bilinearly.\n"
        f"The int8 file takes `pixel - 128`, the float32 file `{real}`.\n\n"
        f"Classes in order: {', '.join(named)}.\n"
    )


def _accuracy(measured: Sequence[tuple[Evaluation, str]]) -> str:
    if not measured:
        return "Not measured; `eyespot evaluate` measures it where the data set is at hand.\n"
    rows = [
        (
            e.precision,
            share(e.top1, e.low, e.high, e.n),
            f"{e.data} {e.split}",
            e.kernels,
            origin,
            f"`{e.command}`",
        )
        for e, origin in measured
    ]
    return table(("File", "Top-1 [95 %]", "Data", "Kernels", "Origin", "Command"), rows)


def _files(files: Sequence[File]) -> str:
    rows = [(f.path.name, f"{len(f.data):,}", f"{f.operations / 1e6:.1f} M", f"`{f.sha256}`") for f in files]
    return table(("File", "Bytes", "Operations", "sha256"), rows)


def _devices(compatibility: Sequence[Compatibility]) -> str:
    rows = [
        (c.device, f.check, f.status, f.value, f.kind, f.tool, f"{f.reason}. {f.advice}".rstrip(), f.source)
        for c in compatibility
        for f in c.findings
    ]
    return table(("Device", "Check", "Status", "Value", "Kind", "Tool", "Why", "Source"), rows)
