"""What int8 costs, as people read it: accuracies first, where the file comes from last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from eyespot.reports import words
from eyespot.reports.styled import Cells, styled, table

if TYPE_CHECKING:
    from eyespot.quantization.comparison import Comparison
    from eyespot.quantization.engine import Quantized, Step


def quantized(many: tuple[Quantized, ...]) -> Group:
    """Top-1 of both files, what was tried, the file, and with `explain` its layers."""
    return Group(*(part for each in many for part in _parts(each)))


def _parts(q: Quantized) -> list[RenderableType]:
    measured = [each for each in (q.validation, q.calibration) if each]
    lines = [line for each in measured for line in _comparison(each)]
    if q.not_measured:
        lines.insert(0, ("validation", f"not measured: {q.not_measured}"))
    parts: list[RenderableType] = [table("", "top-1 [95 %]", rows=lines)]
    if len(q.steps) > 1:
        parts += [_heading("tried"), table("", "int8 minus float32, points [95 %]", rows=map(_step, q.steps))]
    if q.following:
        parts.append(styled(f"int8 loses more than 1 point; next: {q.following}", "yellow"))
    parts.append(styled(_origin(q), "dim"))
    if q.layers:
        rows = [(str(e.layer), e.operator, f"{e.signal_to_noise:.1f}", f"{e.scale:.4g}", f"{e.range_used:.2f}")
                for e in q.layers]  # fmt: skip
        parts += [_heading("layers, worst first"),
                  table("layer", "operator", "dB", "scale", "levels used", rows=rows)]  # fmt: skip
    return parts


def _heading(text: str) -> Text:
    return Text(f"\n{text}", "bold")


def _comparison(c: Comparison) -> list[Cells]:
    """A line for each file, and one for the difference."""
    images = f"{c.data} {c.split}"
    return [
        (f"float32, {images}", words.accuracy(c.float32)),
        (f"int8, {images}", words.accuracy(c.int8)),
        ("  difference", f"{_points(c)} points; the same class for {100 * c.same:.0f} % of the images"),
    ]


def _step(step: Step) -> Cells:
    """What a way gave, or why it was not tried."""
    found = [f"{_points(c)} on {c.n:,} {c.split} images" for c in (step.validation, step.calibration) if c]
    said = "; ".join(found) or f"not tried: {step.not_tried}"
    return ("* " if step.taken else "  ") + step.name, said + (" (taken)" if step.taken else "")


def _points(c: Comparison) -> str:
    """The difference in points with its interval."""
    shown = [f"{100 * each + 0.0:+.1f}" for each in (c.difference, c.low, c.high)]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"


def _origin(q: Quantized) -> str:
    """The file, its size and the images that calibrated it."""
    facts = q.artifact.facts
    images = len(facts["calibration_images"])
    return (
        f"{q.folder / q.artifact.file}: {facts['bytes']:,} B, calibrated on {images} images of {facts['calibration']}"
    )
