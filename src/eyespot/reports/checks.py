"""What `doctor --tensor` and `verify` found, as people read it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from eyespot.evaluation.dumps.explanation import Explanation
from eyespot.exports.verification.verified import Stage, Verified
from eyespot.reports.styled import Cells, styled, table

COLOURS = {"equal": "green", "close": "yellow", "differs": "red", "not run": "magenta"}


def explanations(many: tuple[Explanation, ...]) -> Group:
    """Each explanation in sentences, then how well it and others fit."""
    return Group(*(part for each in many for part in _explanation(each)))


def _explanation(e: Explanation) -> Iterator[RenderableType]:
    v = e.values
    numbers = f"{v.count:,} {'bytes' if v.form == 'raw bytes' else 'numbers'}, {v.low:.4g} to {v.high:.4g}"
    yield styled(f"{e.dump} ({v.form}: {numbers}, mean {v.mean:.4g}) for {e.file}", "bold")
    if e.fits:
        yield styled(f"compared with {e.picture}")
        if e.mistakes is None:
            yield styled("Nothing that eyespot knows explains it.", "red")
        for each in e.mistakes or ():
            yield styled(f"{each[:1].upper()}{each[1:]}.", "red")
        if e.mistakes == ():
            yield styled("It is what the contract says.", "green")
    yield from (styled(f"It may also be: {' and '.join(each.mistakes)}.") for each in e.same)
    yield from map(styled, e.hints)
    if e.hidden:
        yield styled(f"This picture cannot show: {', '.join(e.hidden)}.")
    if e.fits:
        rows = [
            ("; ".join(f.mistakes) or "as the contract says",
             f"{100 * f.equal:.1f} %", f"{f.correlation:.3f}", f"{f.difference:.2f} steps") for f in e.fits
        ]  # fmt: skip
        yield table("explanation", "within one step", "correlation", "mean difference", rows=rows)


def verified(many: tuple[Verified, ...]) -> Group:
    """The stages of each file, with what differs and the reasons under them."""
    return Group(*(part for each in many for part in _verified(each)))


def _verified(v: Verified) -> Iterator[RenderableType]:
    yield styled(f"{v.file}: {v.pictures} golden pictures ({v.golden})", "bold")
    yield table("stage", "by", "status", "differ", "most", rows=map(_stage, v.stages))
    for each in v.stages:
        if note := each.reason or each.first:
            yield styled(f"{each.stage}, {each.by}: {note}", "dim")
    for e in v.explanations:
        yield styled(f"{e.dump}: {'not explained' if e.mistakes is None else ' and '.join(e.mistakes)}")


def _stage(s: Stage) -> Cells:
    status = Text(s.status, COLOURS[s.status])
    if s.status == "not run":
        return s.stage, s.by, status, "", ""
    limit = f" of {s.tolerance:g}" if s.tolerance else ""
    return s.stage, s.by, status, f"{s.differing:,} of {s.values:,}", f"{s.most:.3g}{limit}"
