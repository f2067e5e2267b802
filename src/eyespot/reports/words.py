"""Measurements in words, and tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from eyespot.artifacts.measurements import Evaluation, Finding, Subset
from eyespot.artifacts.reliability import Reliability
from eyespot.artifacts.training_cost import TrainingCost
from eyespot.evaluation.prediction import Threshold
from eyespot.preprocessing.spec import Preprocessing
from eyespot.zoo import provenance, registry
from eyespot.zoo.cards import Model

PAIR = ("float32", "int8")
LONG = 24  # characters of a class
UNKNOWN = "overlap with its training images is unknown"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars within cells are escaped, line breaks become <br>."""
    lines = [columns, ["---"] * len(columns), *rows]
    cells = ([cell.replace("|", "\\|").replace("\n", "<br>") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def megabytes(size: int | None) -> str:
    """As NXP's page gives sizes: 1 MB is a million bytes."""
    return "not built" if size is None else f"{size / 1e6:.3f} MB"


def latency(measured: Mapping[str, float]) -> str:
    """The latency of a file in ms on each machine, one a line."""
    return "\n".join(f"{three(time)} ms ({machine})" for machine, time in measured.items()) or "not measured"


def accuracy(e: Evaluation | Subset) -> str:
    """Top-1 with its 95 % interval and the number of images."""
    return f"{e.top1:.4f} [{e.low:.3f}, {e.high:.3f}], n = {e.n:,}"


def elsewhere(e: Evaluation, card: Model) -> str:
    """The images of an accuracy that is not of the model's own data set: what they are, and what they are not."""
    own = registry.dataset(card.data)
    known = registry.is_named(e.data)
    what = f" ({registry.dataset(e.data).title}; top-1 over all {len(own.classes):,} classes)" if known else ""
    return f"on {e.data}{what}, which is not {own.title}"


def stand_in(e: Evaluation) -> list[str]:
    """That the weights of the measured file of ours replace the publisher's, in at most one line."""
    record = provenance.record(e.model, e.precision)
    name = provenance.stand_in(record) if record and record.sha256 == e.artifact else ""
    return [f"with the stand-in weights {name}"] if name else []


def not_measured(weights: str) -> str:
    """Why files with these stand-in weights, which nobody trained, have no accuracy."""
    return f"not measured: only stand-in weights are at hand ({weights}), whose accuracy means nothing"


def interval(top1: float, low: float | None, high: float | None) -> str:
    """Top-1 with its 95 % interval, short enough for a table of models."""
    return f"{top1:.3f}" if low is None or high is None else f"{top1:.3f} [{low:.3f}, {high:.3f}]"


def size(count: float, unit: str = "B") -> str:
    """A size in three digits: 87.5 kB, 1.67 MB."""
    prefix, scale = ("M", 1e6) if count >= 1e6 else ("k", 1e3)
    return f"{three(count / scale)} {prefix}{unit}"


def short(name: str) -> str:
    """A class in a list of classes: of ImageNet's synonyms the first."""
    first = name.partition(",")[0]
    return first if len(first) <= LONG else f"{first[: LONG - 3]}..."


def fed(spec: Preprocessing) -> str:
    """How a picture becomes the input, in a line."""
    part = f"central {100 * spec.crop:g} % square" if spec.crop else "whole picture"
    order = {"gray": "gray", "rgb": "RGB", "bgr": "BGR"}[spec.order]
    mean, std = (", ".join(f"{each:g}" for each in numbers) for numbers in (spec.mean, spec.std))
    real = "pixel" if (mean, std) == ("0", "1") else f"(pixel - {mean}) / {std}"
    shape = f"{spec.height} x {spec.width} {order}"
    return f"{shape}, {part}, {spec.resize}; int8: pixel - 128; float32: {real}"


def hygiene(e: Evaluation) -> list[str]:
    """What is known of test images that are also training images, or look like some; one line for each fact."""
    lines = []
    if (rest := e.unrepeated) is not None:
        repeats = e.n - rest.n
        lines.append(f"{accuracy(rest)} without {repeats:,} repeat{'s' * (repeats != 1)} of other splits")
    if near := len(e.near_duplicates or ()):
        lines.append("1 looks like a training image" if near == 1 else f"{near:,} look like training images")
    return lines


def training(cost: TrainingCost) -> str:
    """What training took."""
    energy = f"{three(cost.energy.value or 0)} {cost.energy.unit}" if cost.energy else "energy not measured"
    return f"{three(cost.time.value or 0)} {cost.time.unit} on {cost.machine}; {energy}; {cost.time.source}"


def calibration(r: Reliability) -> str:
    """The calibration error as the file is, and at a temperature."""
    at = f", {r.fitted.error:.4f} at temperature {r.fitted.temperature:g}" if r.fitted else ""
    return f"calibration error {r.error:.4f}{at} on {r.data} {r.split}, n = {r.n:,}"


def threshold(t: Threshold) -> str:
    """A threshold that was chosen for a precision, and what it costs."""
    precision = f"precision {t.precision:.4f} [{t.low:.3f}, {t.high:.3f}], n = {t.answered:,}"
    coverage = f"{100 * (t.coverage or 0):.0f} % of {t.n:,} validation images answered"
    return f"confidence {t.confidence:.4f} or more: {precision}; {coverage}"


def cost(damaged: Evaluation, clean: Evaluation) -> str:
    """What damage to the same images adds to or takes from the top-1 of the same file, in points, and what is left."""
    points = round(100 * (damaged.top1 - clean.top1), 1) + 0.0
    return f"{damaged.under}: {points:+.1f} ({damaged.top1:.3f})"


def images(e: Evaluation) -> str:
    """The images that it was measured on, and what was done to them."""
    return f"{e.data} {e.split}" + (f", {e.under}" if e.under else "")


def check(f: Finding) -> str:
    """What was checked; its place is named if others of the same device decide."""
    return f"{f.check}, {f.place}" if f.place and f.decides == "nothing" else f.check


def value(f: Finding) -> str:
    """The answer in a few words."""
    q = _numbers(f)
    if "used" in q:
        return f"{q['used']:,}" + (f" of {q['limit']:,} B ({f.place})" if "limit" in q else " B")
    if "npu" in q:
        return f"{q['npu']:,} on the NPU, {q['cpu']:,} on the CPU"
    if "accepted" in q:
        rest = f", {q['refused']} not" if q["refused"] else ""
        rest += f", {q['unknown']} unknown" if q["unknown"] else ""
        return f"{q['accepted']} of {sum(q.values())} operators{rest}"
    if "latency" in q:
        latency = f.quantities["latency"]
        return f"{q['latency']:g} ms" if q["latency"] else f"{three(latency.low or 0)} to {three(latency.high or 0)} ms"
    if f.kind == "estimate":
        return "not estimated"
    no = "not compiled" if f.decides == "npu" else "no"
    return {"ok": f.place, "unknown": "not checked"}.get(f.status, no)


def three(number: float) -> str:
    """Three digits, without an exponent."""
    return f"{float(f'{number:.3g}'):,g}"


def reason(f: Finding) -> str:
    """Why, with the numbers that it rests on, and what to do about it."""
    return f"{_reason(f)}. {f.advice}".rstrip()


def _reason(f: Finding) -> str:
    q = _numbers(f)
    if f.operators:
        listed = "; ".join(f"{why} ({n} x)" if n > 1 else why for why, n in f.operators.items())
        return f"{f.reason} ({listed})" if f.reason.startswith("the last ") else listed
    if "head" in q:
        return f"head {q['head']:,} B (activations), tail {q['tail']:,} B (structures); {f.reason}"
    if "rate" not in q:
        return f.reason
    rate = f.quantities["rate"]
    vela = f"vela says {q['vela']:.3f} ms ({q['cycles']:,} cycles)" if "vela" in q else ""
    published = f"published latencies were x{rate.low:g} to x{rate.high:g} of it"
    if "adds" not in q:
        return f"{vela}; {published}"
    if rate.unit == "fitted milliseconds":
        fit = f"{f.reason}: {q['adds'] / 1e6:.2f} M multiply-adds; {published}"
        return f"{fit}; {vela}" if vela else fit
    clock = f" at {q['clock'] / 1e6:g} MHz" if "clock" in q else ""
    return f"{q['adds'] / 1e6:.2f} M multiply-adds, {rate.low:g} to {rate.high:g} {rate.unit}{clock}"


def _numbers(f: Finding) -> dict[str, float]:
    return {name: quantity.value or 0 for name, quantity in f.quantities.items()}
