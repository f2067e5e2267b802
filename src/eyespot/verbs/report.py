"""report: the Model List, every cell with its source."""

from __future__ import annotations

from eyespot import markdown, registry, results
from eyespot.artifact import chain
from eyespot.cards import Compatibility, Evaluation, Model, Report
from eyespot.errors import EyespotError
from eyespot.models import MODELS
from eyespot.tflite.read import read


def report() -> Report:
    """Write the Model List in Markdown: our measurements, beside what others published.

    Columns as on NXP's page; every accuracy with its 95 % interval, n and source. A number whose chain
    of digests does not verify is refused.

    Example: eyespot report > model-list.md
    """
    rows = tuple(_row(card) for card in MODELS)
    table = markdown.table(list(rows[0]), [list(row.values()) for row in rows])
    sources = "\n".join(f"- {line}" for card in MODELS for line in _sources(card))
    return Report(rows=rows, markdown=f"{table}\n{LEGEND}\n{sources}\n")


LEGEND = (
    "Accuracies are top-1 with a 95 % interval (Wilson) on the data set's test split, measured by eyespot "
    "unless a publisher is named. OPS count a multiply-add as two.\n"
)


def _row(card: Model) -> dict[str, str]:
    data, taken = registry.dataset(card.data), card.input
    return {
        "Model name": card.title,
        "Architecture": card.architecture,
        "Backbone": card.backbone,
        "Training dataset": data.title,
        "Acc FP32": _accuracy(card, "float32"),
        "Acc INT8": _accuracy(card, "int8"),
        "Input size": f"{taken.width}x{taken.height}x{taken.channels}",
        "OPS": _beside(f"{_operations(card) / 1e6:.1f}M", card, "OPS"),
        "MParams": _beside(f"{card.parameters / 1e6:.3f}", card, "MParams"),
        "FP32 size": _beside(_size(card, "float32"), card, "size float32"),
        "INT8 size": _beside(_size(card, "int8"), card, "size int8"),
        "Compatibility": _beside(_devices(results.compatibility(card.name)), card, "compatibility"),
    }


def _beside(ours: str, card: Model, quantity: str) -> str:
    """Our cell with what others published of the same quantity under it."""
    theirs = [f"{r.publisher}: {r.value}" for r in card.references if r.quantity == quantity]
    return "\n".join([ours, *theirs])


def _accuracy(card: Model, precision: str) -> str:
    return _beside(_measured(card, precision), card, f"top-1 {precision}")


def _measured(card: Model, precision: str) -> str:
    found = results.accuracy(card.name, precision)
    if found is None:
        return f"not measured; `eyespot evaluate {card.name}:{precision}`"
    refused = _refusal(card, found)
    return f"refused: {refused}" if refused else markdown.share(found.top1, found.low, found.high, found.n)


def _refusal(card: Model, measured: Evaluation) -> str:
    """Why a measurement does not stand for the shipped file, or "": its digest and chain must verify."""
    path = registry.ZOO / card.name / f"{measured.precision}.tflite"
    try:
        links = chain(path)
    except EyespotError as error:
        return str(error)
    if links[0].sha256 != measured.artifact:
        return f"measured on another build of the same recipe ({measured.artifact[:12]})"
    published = {w.download.digest.removeprefix("sha256:") for w in card.weights}
    origin = links[-1].verb == "train" or published & set(links[-1].inputs.values())
    return "" if origin else f"the chain of {path.name} ends at {links[-1].file}"


def _operations(card: Model) -> int:
    path = registry.ZOO / card.name / "int8.tflite"
    return read(path).operations if path.exists() else card.operations


def _size(card: Model, precision: str) -> str:
    path = registry.ZOO / card.name / f"{precision}.tflite"
    return markdown.megabytes(path.stat().st_size if path.exists() else None)


def _devices(found: tuple[Compatibility, ...]) -> str:
    """Each device with its verdicts; npu only where there is one."""
    if not found:
        return "not measured; `eyespot check`"
    told = [f"{c.device}: runs {c.runs.status}" + (f", NPU {c.npu.status}" if c.npu else "") for c in found]
    return "\n".join(told)


def _sources(card: Model) -> list[str]:
    """One line for each measurement of a model and for each number of somebody else's."""
    ours = [_measurement(e) for e in results.evaluations(card.name)]
    theirs = {f"{r.publisher}, {r.date}: {r.source}" for r in card.references}
    return [f"{card.title}: {line}" for line in [*ours, *sorted(theirs)]]


def _measurement(e: Evaluation) -> str:
    tools = ", ".join(f"{name} {version}" for name, version in e.tools.items())
    return (
        f"{e.precision} {e.top1:.4f} on {e.data} {e.split}, n = {e.n:,}, kernels {e.kernels}: `{e.command}` "
        f"(file {e.artifact[:12]}, data {e.data_digest[:12]}, {tools})"
    )
