"""docs/pictures/accuracy.svg: measured accuracy beside published figures, and what camera mistakes cost."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eyespot.artifacts.measurements import Evaluation
    from eyespot.zoo.cards import Model

INK, OURS, THEIRS, LOSS = "#24292f", "#0969da", "#8c959f", "#bc4c00"
MISTAKES = {
    "rgb565-swapped": "RGB565, bytes swapped",
    "bgr": "red and blue swapped",
    "blur": "blurred",
    "jpeg": "JPEG, quality 75",
    "brighter": "brighter",
    "darker": "darker",
    "rgb565": "RGB565",
}
EXAMPLE = "tiny-resnet"  # the model whose losses are drawn


def accuracy() -> str:
    """The picture as SVG; the same measurements give the same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style = {"svg.hashsalt": "eyespot", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}
    with mpl.rc_context(style | {"font.sans-serif": ["DejaVu Sans"]}):
        figure = Figure(figsize=(10, 3.8), layout="constrained", facecolor="white")
        left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
        _accuracies(left)
        _losses(right)
        figure.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=9)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return re.sub(r"[ \t]+$", "", text.getvalue(), flags=re.M).replace(
        "DejaVu Sans", "DejaVu Sans, Verdana, sans-serif"
    )


def _accuracies(axes: Any) -> None:
    """A row for each model that was measured on its own data set: ours with its interval, others' beside it."""
    from eyespot.zoo import provenance, registry
    from eyespot.zoo.models import MODELS

    measured = [(card, e) for card in MODELS if (e := provenance.accuracy(card.name, "int8"))]
    for row, (card, e) in enumerate(reversed(measured)):
        axes.plot((100 * e.low, 100 * e.high), (row, row), color=OURS, linewidth=5, solid_capstyle="butt", alpha=0.45)
        axes.plot(100 * e.top1, row, "o", color=OURS, markersize=7)
        _published(axes, row, card)
    names = [f"{card.name}\n{registry.dataset(card.data).title}, n = {e.n:,}" for card, e in reversed(measured)]
    axes.set_yticks(range(len(measured)), names)
    axes.set_ylim(-0.6, len(measured) - 0.2)
    axes.set_title("Top-1 of the int8 file, %", loc="left", fontsize=10, color=INK)
    axes.plot([], [], "o", color=OURS, label="measured by eyespot, with 95 % interval")
    axes.plot([], [], "D", color=THEIRS, fillstyle="none", label="published by others")
    _plain(axes)


def _published(axes: Any, row: int, card: Model) -> None:
    """What others publish of the int8 file, each value with its publisher, above and below in turn."""
    values = {
        reference.publisher.removeprefix("Silicon Labs "): 100 * float(value)
        for reference in card.references
        for what, value in reference.figures.items()
        if what.startswith("top-1 int8") and re.fullmatch(r"0\.\d+", value)
    }
    for index, (publisher, value) in enumerate(values.items()):
        axes.plot(value, row, "D", color=THEIRS, fillstyle="none", markersize=6)
        label = {"ha": "center", "fontsize": 8, "color": INK, "textcoords": "offset points"}
        axes.annotate(publisher, (value, row), xytext=(0, -14 if index % 2 else 8), **label)


def _losses(axes: Any) -> None:
    """What each camera mistake costs one model, on the same test images."""
    from eyespot.zoo import provenance, registry

    clean = provenance.accuracy(EXAMPLE, "int8")
    damaged = provenance.robustness(EXAMPLE, registry.model(EXAMPLE).data)
    rows = sorted(((_points(e, clean), MISTAKES.get(under, under)) for under, e in damaged.items()), reverse=True)
    axes.barh(range(len(rows)), [loss for loss, _ in rows], color=LOSS, height=0.6)
    for row, (loss, _) in enumerate(rows):
        axes.annotate(f"{loss:.1f}", (loss, row), xytext=(4, -3), textcoords="offset points", fontsize=9, color=INK)
    axes.set_yticks(range(len(rows)), [name for _, name in rows])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_title(
        f"What a camera mistake costs {EXAMPLE}, points of top-1", x=-0.5, loc="left", fontsize=10, color=INK
    )
    _plain(axes)


def _points(damaged: Evaluation, clean: Evaluation | None) -> float:
    return 100 * (clean.top1 - damaged.top1) if clean else 0.0


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK)
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)
