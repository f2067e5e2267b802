"""Nouns as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from eyespot.escaping import terminal
from eyespot.reports import words
from eyespot.reports.styled import Cells, styled, table

if TYPE_CHECKING:
    from eyespot.artifacts.measurements import Accuracy, Compatibility, Evaluation, Finding
    from eyespot.evaluation.prediction import Prediction

LONG = 20  # entries of a list that are shown one by one
UNFOLDED = 10_000  # columns of a pipe or a file, where a path must stay in one piece
LONG_ENOUGH = 5  # nouns of one kind that are better read as a table
VIEWS = {  # how each noun is shown, loaded when one is
    "Listed": "listed:models",
    "Shown": "screen:screens",
    "Prediction": "terminal:_predictions",
    "Compatibility": "terminal:_compatibility",
    "Explained": "explained:explained",
    "Evaluation": "terminal:_evaluations",
    "Accuracy": "terminal:_accuracies",
    "Benchmark": "benchmark:benchmarks",
    "Quantized": "quantized:quantized",
    "Diagnosis": "diagnosis:diagnoses",
    "Explanation": "checks:explanations",
    "Verified": "checks:verified",
    "Inspection": "inspection:inspections",
    "Training": "training:trainings",
    "Sweep": "sweep:sweeps",
}
COLOURS = {"ok": "green", "partial": "yellow", "fails": "red", "unknown": "magenta"}


def show(value: Any, following: str = "") -> None:
    """Print a verb's result, and the command that follows it."""
    if hasattr(value, "markdown"):  # a report is text already
        print(value.markdown, end="")
    else:
        console = Console(highlight=False, emoji=False, markup=False)
        if not console.is_terminal:
            console.width = UNFOLDED
        lines = [styled(f"next: {following}", "bold")] if following else []
        console.print(Group(rendered(value), *lines), soft_wrap=not console.is_terminal)


def rendered(value: Any) -> RenderableType:
    """The table (or tables) for a noun or a tuple of nouns of one kind."""
    many = value if isinstance(value, tuple) else (value,)
    if not many:
        return "none"
    if view := VIEWS.get(type(many[0]).__name__):
        rendering: RenderableType = resolve_name(f"eyespot.reports.{view}")(many)
        return rendering
    if len(many) <= LONG_ENOUGH:
        return Group(*(_fields(each) for each in many))
    names = [field.name for field in fields(many[0])]
    return table(*names, rows=[[_text(getattr(each, name)) for name in names] for each in many])


def _predictions(predictions: tuple[Prediction, ...]) -> Group:
    """One line a picture, as file names are long; below them how the threshold was chosen."""
    threshold = predictions[0].threshold
    chosen = [words.threshold(threshold)] if threshold and threshold.n else []
    return Group(*(terminal(f"{p.source}: {_answer(p)}") for p in predictions), *chosen)


def _answer(p: Prediction) -> str:
    shares = ", ".join(f"{name} {100 * share:.1f} %" for name, share in p.classes)
    return f"none of these ({shares})" if p.threshold and p.answer is None else shares


def _compatibility(many: tuple[Compatibility, ...]) -> Group:
    """The verdicts, then each device's findings, with the reason under each."""
    verdicts = [(c.device, coloured(c.runs.status), coloured(c.npu.status if c.npu else None)) for c in many]
    parts: list[RenderableType] = [table("device", "runs", "npu", rows=verdicts)]
    for c in many:
        rows = [row for f in c.findings for row in _finding_rows(f)]
        parts += [_heading(c.device), table("", "", "", rows=rows)]
    return Group(*parts)


def _heading(text: str) -> Text:
    return Text(f"\n{terminal(text)}", "bold")


def _finding_rows(f: Finding) -> tuple[Cells, Cells]:
    answer = styled(f"{words.value(f)} ").append_text(styled(f"({f.kind}, {f.tool})", "dim"))
    why = words.reason(f) + ("" if f.kind == "measured" else f" [{f.source}]")
    return (f"  {words.check(f)}", coloured(f.status), answer), ("", "", styled(why, "dim"))


def coloured(status: str | None) -> str | Text:
    """A verdict in its colour."""
    return Text(status, COLOURS[status]) if status else "none"


def _evaluations(evaluations: tuple[Evaluation, ...]) -> Group:
    rows = table("model", "top-1 [95 %]", "data", "kernels", rows=[_evaluation_row(e) for e in evaluations])
    known = [(e, _known(e)) for e in evaluations]
    lines = dict.fromkeys(f"{e.model}:{e.precision}: {line}" for e, lines in known for line in lines)
    return Group(rows, *(terminal(line) for line in lines))


def _known(e: Evaluation) -> list[str]:
    return [*words.stand_in(e), *words.hygiene(e), *([] if e.training_images else [words.UNKNOWN])]


def _evaluation_row(e: Evaluation) -> tuple[str, str, str, str]:
    return f"{e.model}:{e.precision}", words.accuracy(e), words.images(e), e.kernels


def _accuracies(accuracies: tuple[Accuracy, ...]) -> RenderableType:
    """Each accuracy with its origin under it."""
    rows: list[Cells] = []
    for a in accuracies:
        name, top1, data, kernels = _evaluation_row(a.evaluation)
        rows += [(name, top1), ("", styled(f"{data}, {kernels}: {a.origin}", "dim"))]
    return table("model", "top-1 [95 %]", rows=rows)


def _fields(value: Any) -> RenderableType:
    """Any other noun: its fields, one a line; the nouns within it below."""
    lines, below = [], []
    for field in fields(value):
        content = getattr(value, field.name)
        if is_dataclass(content) or (isinstance(content, tuple) and content and is_dataclass(content[0])):
            below += [_heading(field.name), rendered(content)]
        elif content is not None and content != {}:
            lines.append((field.name, _text(content)))
    return Group(table("", "", rows=lines), *below)


def _text(content: Any) -> str:
    """A value in one line; long lists and tables by their length."""
    if isinstance(content, Mapping):
        return ", ".join(f"{key} {_text(each)}" for key, each in content.items())
    if isinstance(content, tuple | list):
        short = len(content) <= LONG and not any(isinstance(each, tuple | list) for each in content)
        return ", ".join(map(_text, content)) if short else f"{len(content)} entries"
    if isinstance(content, float):
        return f"{content:.4g}"
    return f"{content:,}" if isinstance(content, int) and not isinstance(content, bool) else str(content)
