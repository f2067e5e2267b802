"""The section on the layers of a file: where its bytes and its multiply-adds are."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from eyespot.quantization import activations
from eyespot.reports.page import charts
from eyespot.reports.page.figures import size
from eyespot.reports.page.gather import Subject
from eyespot.reports.page.markup import Markup, code, folded, join, table, tag
from eyespot.tflite.operators import operators
from eyespot.tflite.read import File


@dataclass(frozen=True, kw_only=True)
class Layer:
    """An operator: bytes of its constants, multiply-adds of an image, and its output's shape."""

    name: str
    shape: tuple[int, ...]
    bytes: int
    adds: int


def layers(s: Subject) -> Markup:
    """Bytes and multiply-adds of every layer as columns, the figures folded under them."""
    if not s.main.file:
        return Markup("")
    found = _layers(s.main.file)
    title, noise = f"{len(found)} operators of {s.main.name}", _noise(s, s.main.file)
    drawn = [
        charts.columns("Weights", [(_said(each), each.bytes / 1e3) for each in found], "kB"),
        charts.columns("Multiply-adds", [(_said(each), each.adds / 1e6) for each in found], "M"),
    ]
    rows = [
        (
            f"{number} {each.name}",
            " × ".join(map(str, each.shape[1:])),
            size(each.bytes) if each.bytes else "",
            f"{each.adds / 1e6:,.2f} M" if each.adds else "",
            f"{noise[number]:.1f} dB" if number in noise else "",
        )
        for number, each in enumerate(found)
    ]
    if noise:
        ratios = [(each.name, noise.get(number, 0.0)) for number, each in enumerate(found)]
        drawn.append(charts.columns("Signal to noise, int8 against float32", ratios, "dB", total=False))
    columns = ("Operator", "Output", "Weights", "Multiply-adds", "Signal to noise")
    figures = folded(title, table(title, columns, rows, "numbers"))
    return join([tag("div", *drawn, class_="charts"), _how(s), figures])


def _noise(s: Subject, file: File) -> dict[int, float]:
    """The signal-to-noise ratio of each layer that was measured, by the operator's number."""
    numbers = {id(operator): number for number, operator in enumerate(file.graph.operators)}
    measured, errors = activations.layers(file), s.layers.layers if s.layers else ()
    return {numbers[id(measured[e.layer])]: e.signal_to_noise for e in errors if e.layer < len(measured)}


def _how(s: Subject) -> Markup:
    """How the noise was measured, or how to."""
    if s.layers:
        said = f"The signal-to-noise ratio compares int8 with float32 on the {s.layers.images:,} training images"
        return tag("p", f"{said} that calibrated the file; 6 dB are one bit.", class_="quiet")
    if s.main.precision != "int8" or s.origin == "file":
        return Markup("")
    command = f"eyespot quantize {s.name}{'/' if s.origin == 'own' else ''} --explain"
    return tag("p", "Signal to noise of each layer: not measured; ", code(command), class_="quiet")


def _layers(file: File) -> list[Layer]:
    return [
        Layer(
            name=operator.name,
            shape=operator.outputs[0].shape if operator.outputs else (),
            bytes=sum(each.bytes or 0 for each in operator.inputs if each and each.constant),
            adds=file.multiply_adds(entry),
        )
        for operator, entry in zip(operators(file), file.graph.operators, strict=True)
    ]


def _said(each: Layer) -> str:
    return f"{each.name}, {prod(each.shape):,} outputs"
