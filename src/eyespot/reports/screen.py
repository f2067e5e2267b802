"""A model on one screen of 80 columns and 24 lines, and with `--all` what does not fit there."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from eyespot.artifacts.measurements import Compatibility, Evaluation
from eyespot.escaping import terminal
from eyespot.reports import words
from eyespot.reports.shown import FileFacts, Shown
from eyespot.reports.styled import Cells, styled, table
from eyespot.reports.terminal import rendered

CLASSES = 12  # that are named
PLACES = {  # by the verdicts (runs, npu), the best first
    ("ok", "ok"): ("all on the NPU", "green"),
    ("ok", None): ("on the processor", "green"),
    ("ok", "partial"): ("partly on the NPU", "yellow"),
    ("ok", "unknown"): ("runs, NPU unknown", "magenta"),
    ("ok", "fails"): ("not on the NPU", "yellow"),
}
OTHERS = {"partial": ("runs in part", "yellow"), "unknown": ("unknown", "magenta"), "fails": ("does not run", "red")}


def screens(many: tuple[Shown, ...]) -> Group:
    """Each model on its screen."""
    return Group(*(part for each in many for part in _screen(each)))


def _screen(s: Shown) -> Iterator[RenderableType]:
    yield Text.assemble((terminal(s.name), "bold"), styled(f": {s.title}"))
    rows = [*_figures(s), *_contract(s), *_devices(s.compatibility)]
    yield table("", "", rows=[(styled(name, "bold"), value) for name, value in rows])
    yield Text("next:", "bold")
    yield from (styled(f"  {each}") for each in s.next)
    if s.full:
        yield from _rest(s)


def _figures(s: Shown) -> Iterator[tuple[str, Text]]:
    """Accuracy, size and memory, a file a line."""
    of_files = {f.precision: next((e for e in f.evaluations if not e.under), None) for f in s.files}
    if not s.files:
        of_files = {p: next((e for e in s.evaluations if e.precision == p and not e.under), None) for p in words.PAIR}
    refused = {f.precision: f.refused for f in s.files}
    for precision, e in of_files.items():
        yield f"top-1 {precision}", _accuracy(e, refused.get(precision, ""))
    if s.files:
        yield "file", styled("; ".join(f"{f.path.name} {f.bytes:,} B" for f in s.files))
        yield "OPS", styled(f"{s.files[0].operations / 1e6:,.1f} M, a multiply-add counts as two")
    if arena := _arena(s.compatibility):
        yield "RAM", styled(f"{arena:,} B arena of TFLM, measured on a host")
    if s.latency:
        yield "latency", styled(words.latency(s.latency).replace("\n", "; "))


def _accuracy(e: Evaluation | None, refused: str) -> Text:
    if e is None:
        return styled(refused or "not measured", "dim")
    return styled("; ".join([f"{words.accuracy(e)}, {words.images(e)}", *words.stand_in(e)]))


def _arena(many: tuple[Compatibility, ...]) -> int:
    used = (f.quantities["used"].value for c in many for f in c.findings if f.check == "arena")
    return next((int(size) for size in used if size), 0)


def _contract(s: Shown) -> Iterator[tuple[str, Text]]:
    """The input in a line and the classes in another."""
    contract = s.contract
    if contract is None:
        tensor = s.files[0].input
        shape = f"{' x '.join(map(str, tensor.shape))} {tensor.dtype}"
        yield "input", styled(f"{shape}; the file does not say how a picture becomes it", "yellow")
        return
    yield "input", styled(words.fed(contract.preprocessing))
    names, more = contract.classes[:CLASSES], len(contract.classes) - CLASSES
    listed = ", ".join(map(words.short, names)) + (f" and {more:,} more" if more > 0 else "")
    yield "classes", styled(listed)


def _devices(many: tuple[Compatibility, ...]) -> Iterator[tuple[str, Text]]:
    """The devices by verdict, a verdict a line."""
    if not many:
        yield "devices", styled("not checked", "dim")
    said: dict[tuple[str, str], list[str]] = {}
    for c in many:
        place = PLACES.get((c.runs.status, c.npu.status if c.npu else None)) or OTHERS.get(c.runs.status, ("runs", ""))
        said.setdefault(place, []).append(c.device)
    order = [*PLACES.values(), *OTHERS.values()]
    for place in sorted(said, key=lambda each: order.index(each) if each in order else len(order)):
        yield "devices", Text.assemble(place, styled(f": {' '.join(said[place])}"))


def _rest(s: Shown) -> Iterator[RenderableType]:
    """The card, all measurements, the findings on each device, and the files with what they were made from."""
    if s.card:
        yield from (Text("\ncard", "bold"), rendered(s.card))
    if s.evaluations:
        yield from (Text("\nmeasurements", "bold"), rendered(s.evaluations))
    if s.reliabilities:
        yield from (Text("\ncalibration errors", "bold"), rendered(s.reliabilities))
    if s.training:
        yield from (Text("\ntraining", "bold"), rendered(s.training))
    if s.compatibility:
        yield from (Text("\ndevices", "bold"), rendered(s.compatibility))
    for each in s.files:
        yield from (Text.assemble("\n", (terminal(str(each.path)), "bold")), _file(each))


def _file(f: FileFacts) -> RenderableType:
    kinds = {name: f.operators.count(name) for name in f.operators}
    tensors = [f"{' x '.join(map(str, t.shape))} {t.dtype}, scale {t.scale:.6g}, zero point {t.zero_point}"
               for t in (f.input, f.output)]  # fmt: skip
    rows: list[Cells] = [
        ("sha256", f.sha256), ("input", tensors[0]), ("output", tensors[1]),
        ("operators", ", ".join(f"{name} x {n}" for name, n in kinds.items())),
    ]  # fmt: skip
    return Group(table("", "", rows=rows), *(rendered(each) for each in f.chain))
