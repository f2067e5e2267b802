"""The Model List, every cell with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eyespot.artifacts import measurements
from eyespot.artifacts.measurements import Compatibility, Evaluation
from eyespot.artifacts.model_folder import Artifact
from eyespot.escaping import markdown, markdown_code
from eyespot.nouns import Noun
from eyespot.reports.words import (
    UNKNOWN,
    accuracy,
    cost,
    elsewhere,
    hygiene,
    images,
    latency,
    megabytes,
    not_measured,
    stand_in,
    table,
)
from eyespot.zoo import provenance, registry
from eyespot.zoo.cards import Model
from eyespot.zoo.models import MODELS

Chains = dict[str, provenance.Chain]  # by the digest of the file

LEGEND = (
    "Accuracies are top-1 with a 95 % interval (Wilson), measured by eyespot unless a publisher is named. "
    "Robustness: by how many points the top-1 of the int8 file changes if a camera mistake is made on the same "
    "images, and what is left of it. "
    "OPS count a multiply-add as two. A model built from stand-in weights has the operators and size of the "
    "real one. If they are published, its accuracy is theirs; random weights have none.\n"
)


@dataclass(frozen=True, kw_only=True, repr=False)
class Report(Noun):
    """The Model List: `rows` are model by column, `markdown` the table and where its numbers come from."""

    rows: tuple[Mapping[str, str], ...]
    markdown: str


def model_list() -> Report:
    """The Model List. A number whose chain of digests does not verify is refused."""
    rows = tuple(_row(card) for card in MODELS)
    if any(latencies := [provenance.latency(card.name, "int8") for card in MODELS]):
        times = (latency({markdown(name): time for name, time in each.items()}) for each in latencies)
        rows = tuple(row | {"Latency INT8": cell} for row, cell in zip(rows, times, strict=True))
    cells = table(list(rows[0]), [list(row.values()) for row in rows])
    sources = "\n".join(f"- {line}" for card in MODELS for line in _sources(card))
    return Report(rows=rows, markdown=f"{cells}\n{LEGEND}\n{sources}\n")


def _row(card: Model) -> dict[str, str]:
    data, spec, chains = registry.dataset(card.data), card.preprocessing, provenance.chains(card.name)
    int8 = provenance.record(card.name, "int8")
    operations = int8.facts.get("operations", card.operations) if int8 else card.operations
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
        "Compatibility": _beside(_devices(provenance.compatibility(card.name)), card, "compatibility"),
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
    """Figures on the own test images and on others of the same classes, named; or how to get them."""
    measured = [provenance.accuracy(card.name, precision, name) for name in provenance.alike(card.name)]
    figures = [line for e in measured if e for line in _figure(card, chains, e)] or [_not_measured(card, precision)]
    return _beside("\n".join(dict.fromkeys(figures)), card, f"top-1 {precision}")


def _not_measured(card: Model, precision: str) -> str:
    record = provenance.record(card.name, precision)
    if record and (name := provenance.untrained(record)):
        return markdown(not_measured(name))
    return f"not measured; `eyespot evaluate {card.name}:{precision}`"


def _robustness(card: Model, chains: Chains) -> str:
    """What damage to the images costs the int8 file, where it was measured and its chain verifies."""
    record = provenance.record(card.name, "int8")
    if record and (name := provenance.untrained(record)):
        return markdown(not_measured(name))
    for data in provenance.alike(card.name):
        clean = provenance.accuracy(card.name, "int8", data)
        if clean and not _refusal(card, chains, clean):
            damaged, same = provenance.robustness(card.name, data).values(), (clean.artifact, clean.data_digest)
            lines = [cost(e, clean) for e in damaged if (e.artifact, e.data_digest) == same]
            if lines:
                return "\n".join(lines if data == card.data else [f"on {data}:", *lines])
    return "not measured; `eyespot measure`"


def _figure(card: Model, chains: Chains, measured: Evaluation) -> list[str]:
    """A measured accuracy as a cell shows it, in lines; refused if its chain of digests is not verified."""
    if refusal := _refusal(card, chains, measured):
        return [f"refused: {markdown(refusal)}"]
    where = "" if measured.data == card.data else f" {markdown(elsewhere(measured, card))}"
    record, links = provenance.record(card.name, measured.precision), chains.get(measured.artifact, ())
    same = record is not None and record.sha256 == measured.artifact
    other = "" if same else " (measured on another build of the same recipe)"
    known = hygiene(measured) if provenance.trained_here(links) else [UNKNOWN]
    return [accuracy(measured) + where + other, *map(markdown, stand_in(measured)), *known]


def _refusal(card: Model, chains: Chains, measured: Evaluation) -> str:
    """Why a number may not be shown: weights that nobody trained, or a chain of digests that is not verified."""
    links = chains.get(measured.artifact)
    if links and provenance.untrained(links[0]):
        return f"{measured.artifact[:12]} is made of stand-in weights"
    if use := provenance.made_from(links or (), measured.data_digest):
        return f"the images {use} it"
    return provenance.broken(card, links) if links else ""


def _size(record: Artifact | None) -> str:
    mark = " (stand-in)" if record and provenance.stand_in(record) else ""
    return megabytes(record.facts.get("bytes") if record else None) + mark


def _devices(compatibility: tuple[Compatibility, ...]) -> str:
    """Each device with its verdicts; npu only where there is one."""
    rows = ((markdown(c.device), c.runs.status, f", NPU {c.npu.status}" if c.npu else "") for c in compatibility)
    lines = (f"{device}: runs {runs}{npu}" for device, runs, npu in rows)
    return "\n".join(lines) or "not measured; `eyespot check`"


def _sources(card: Model) -> list[str]:
    """One line for each measurement of a model, why others differ, and where their numbers stand."""
    ours = [_measurement(e) for e in measurements.evaluations(card.name)]
    int8 = provenance.record(card.name, "int8")
    calibration = int8.facts.get("calibration", "unknown images") if int8 else ""
    how = [markdown(f"int8 calibrated on {calibration}")] if int8 else []
    theirs = sorted({f"{r.publisher}, {r.date}: {r.source}" for r in card.references})
    return [f"{card.title}: {line}" for line in [*ours, *how, card.differs, *theirs] if line]


def _measurement(e: Evaluation) -> str:
    tools = markdown(", ".join(f"{name} {version}" for name, version in e.tools.items()))
    return (
        f"{markdown(e.precision)} {e.top1:.4f} on {markdown(images(e))}, n = {e.n:,}, kernels {e.kernels}: "
        f"{markdown_code(e.command)} (file {markdown(e.artifact[:12])}, data {markdown(e.data_digest[:12])}, {tools})"
    )
