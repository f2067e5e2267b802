"""The Model List, every cell with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eyespot.artifacts import measurements
from eyespot.artifacts.measurements import Compatibility, Evaluation
from eyespot.artifacts.sidecars import Artifact
from eyespot.nouns import Noun
from eyespot.reports import markdown
from eyespot.zoo import provenance, registry, results
from eyespot.zoo.cards import Model
from eyespot.zoo.datasets import DATASETS
from eyespot.zoo.models import MODELS

Chains = dict[str, provenance.Chain]  # by the digest of the file

LEGEND = (
    "Accuracies are top-1 with a 95 % interval (Wilson), measured by eyespot unless a publisher is named. "
    "OPS count a multiply-add as two. A model built from stand-in weights has the operators and size of the "
    "real one, and no accuracy.\n"
)


@dataclass(frozen=True, kw_only=True, repr=False)
class Report(Noun):
    """The Model List: `rows` are model by column, `markdown` the table and where its numbers come from."""

    rows: tuple[Mapping[str, str], ...]
    markdown: str


def model_list() -> Report:
    """The Model List. A number is refused if its chain of digests is not verified."""
    rows = tuple(_row(card) for card in MODELS)
    table = markdown.table(list(rows[0]), [list(row.values()) for row in rows])
    sources = "\n".join(f"- {line}" for card in MODELS for line in _sources(card))
    return Report(rows=rows, markdown=f"{table}\n{LEGEND}\n{sources}\n")


def _row(card: Model) -> dict[str, str]:
    data, spec, chains = registry.dataset(card.data), card.preprocessing, provenance.chains(card.name)
    int8 = provenance.record(card.name, "int8")
    operations = int8.facts["operations"] if int8 else card.operations
    return {
        "Model name": card.title,
        "Architecture": card.architecture,
        "Backbone": card.backbone,
        "Training dataset": data.title,
        "Acc FP32": _accuracy(card, chains, "float32"),
        "Acc INT8": _accuracy(card, chains, "int8"),
        "Robustness": _robustness(card, chains),
        "Input size": f"{spec.width}x{spec.height}x{spec.channels}",
        "OPS": _beside(f"{operations / 1e6:.1f}M", card, "OPS"),
        "MParams": _beside(f"{card.parameters / 1e6:.3f}", card, "MParams"),
        "FP32 size": _beside(_size(provenance.record(card.name, "float32")), card, "size float32"),
        "INT8 size": _beside(_size(int8), card, "size int8"),
        "Compatibility": _beside(_devices(results.compatibility(card.name)), card, "compatibility"),
    }


def _beside(ours: str, card: Model, quantity: str) -> str:
    """Our cell with what others published of the same quantity under it."""
    theirs = [
        f"{r.publisher}: {value}"
        for r in card.references
        for name, value in r.figures.items()
        if name.startswith(quantity)
    ]
    return "\n".join([ours, *theirs])


def _accuracy(card: Model, chains: Chains, precision: str) -> str:
    """Figures on the model's own test images and on named others of its classes, or how to get them."""
    own = registry.dataset(card.data)
    alike = [d.name for d in DATASETS if d.classes == own.classes]
    measured = {name: results.accuracy(card.name, precision, name) for name in alike}
    figures = [_figure(card, chains, each) for each in measured.values() if each]
    if not measured[own.name]:
        figures.insert(0, f"not measured on {own.title}; `eyespot evaluate {card.name}:{precision}`")
    return _beside("\n".join(figures), card, f"top-1 {precision}")


def _robustness(card: Model, chains: Chains) -> str:
    """The int8 file's top-1 on damaged images, if it was measured and its chain is verified."""
    for data in [card.data, *(d.name for d in DATASETS if d.name != card.data)]:
        clean = results.accuracy(card.name, "int8", data)
        measured = results.robustness(card.name, data).items()
        lines = [f"{under}: {e.top1:.3f}" for under, e in measured if clean and e.artifact == clean.artifact]
        if clean and lines and not _refusal(card, chains, clean):
            return "\n".join(lines if data == card.data else [f"on {data}:", *lines])
    return "not measured; `eyespot measure`"


def _figure(card: Model, chains: Chains, measured: Evaluation) -> str:
    """A measured accuracy as a cell shows it; refused if its chain of digests is not verified."""
    if refusal := _refusal(card, chains, measured):
        return f"refused: {refusal}"
    figure = markdown.share(measured.top1, measured.low, measured.high, measured.n)
    elsewhere = f"on {measured.data}, which is not {registry.dataset(card.data).title}: "
    where = "" if measured.data == card.data else elsewhere
    record = provenance.record(card.name, measured.precision)
    same = record is not None and record.sha256 == measured.artifact
    return where + figure + ("" if same else " (measured on another build of the same recipe)")


def _refusal(card: Model, chains: Chains, measured: Evaluation) -> str:
    """Why a number may not be shown: stand-in weights, or a chain of digests that is not verified."""
    links = chains.get(measured.artifact)
    if links and provenance.stand_in(links[0]):
        return f"{measured.artifact[:12]} is made of stand-in weights"
    return provenance.broken(card, links) if links else ""


def _size(record: Artifact | None) -> str:
    if record is None:
        return "not built"
    return markdown.megabytes(record.facts["bytes"]) + (" (stand-in)" if provenance.stand_in(record) else "")


def _devices(checked: tuple[Compatibility, ...]) -> str:
    """Each device with its verdicts."""
    npu = {c.device: f", NPU {c.npu.status}" for c in checked if c.npu}
    lines = [f"{c.device}: runs {c.runs.status}{npu.get(c.device, '')}" for c in checked]
    return "\n".join(lines) or "not measured; `eyespot check`"


def _sources(card: Model) -> list[str]:
    """A line per measurement of a model, then why others' numbers differ and where they stand."""
    ours = [_measurement(e) for e in measurements.evaluations(card.name)]
    theirs = {f"{r.publisher}, {r.date}: {r.source}" for r in card.references}
    calibrated = provenance.record(card.name, "int8")
    how = [f"int8 calibrated on {calibrated.facts['calibration']}"] if calibrated else []
    differs = [card.differs] if card.differs else []
    return [f"{card.title}: {line}" for line in [*ours, *how, *differs, *sorted(theirs)]]


def _measurement(e: Evaluation) -> str:
    tools = ", ".join(f"{name} {version}" for name, version in e.tools.items())
    return (
        f"{e.precision} {e.top1:.4f} on {e.data} {e.split}{f', {e.under}' if e.under else ''}, "
        f"n = {e.n:,}, kernels {e.kernels}: `{e.command}` "
        f"(file {e.artifact[:12]}, data {e.data_digest[:12]}, {tools})"
    )
