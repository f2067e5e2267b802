"""What `doctor --tensor` and `verify` found, as people read it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from eyespot.evaluation.dumps.explanation import Explanation, Fit
from eyespot.exports.verification.verified import Stage, Verified

COLOURS = {"equal": "green", "close": "yellow", "differs": "red", "not run": "magenta"}


def explanations(many: tuple[Explanation, ...]) -> Group:
    """Each explanation in sentences, then how well it and others fit."""
    return Group(*(_explanation(each) for each in many))


def _explanation(e: Explanation) -> RenderableType:
    v = e.values
    numbers = f"{v.count:,} {'bytes' if v.form == 'raw bytes' else 'numbers'}, {v.low:.4g} to {v.high:.4g}"
    lines = [f"[bold]{escape(e.dump)}[/] ({escape(v.form)}: {numbers}, mean {v.mean:.4g}) for {escape(e.file)}"]
    lines += [f"compared with {escape(e.picture)}"] if e.picture and e.fits else []
    if e.mistakes is None:
        lines += ["[red]Nothing that eyespot knows explains it.[/]"] if e.fits else []
    elif e.mistakes:
        lines += [f"[red]{escape(_sentence(each))}[/]" for each in e.mistakes]
    else:
        lines.append("[green]It is what the contract says.[/]")
    lines += [f"It may also be: {escape(' and '.join(each.mistakes))}." for each in e.same]
    lines += map(escape, e.hints)
    lines += [f"This picture cannot show: {escape(', '.join(e.hidden))}."] if e.hidden else []
    return Group(*lines, *([_fits(e.fits)] if e.fits else []))


def _said(e: Explanation) -> str:
    return "not explained" if e.mistakes is None else " and ".join(e.mistakes)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _fits(fits: tuple[Fit, ...]) -> Table:
    rows = []
    for each in fits:
        words = "; ".join(each.mistakes) or "as the contract says"
        rows.append((words, f"{100 * each.equal:.1f} %", f"{each.correlation:.3f}", f"{each.difference:.2f} steps"))
    return _table(("explanation", "within one step", "correlation", "mean difference"), rows)


def verified(many: tuple[Verified, ...]) -> Group:
    """The stages of each file, with what differs and the reasons under them."""
    parts: list[RenderableType] = []
    for each in many:
        parts.append(f"[bold]{escape(each.file)}[/]: {each.pictures} golden pictures ({escape(each.golden)})")
        parts.append(_table(("stage", "by", "status", "differ", "most"), map(_stage, each.stages)))
        notes = ((f"{s.stage}, {s.by}", s.reason or s.first) for s in each.stages)
        parts += [f"[dim]{escape(where)}: {escape(note)}[/]" for where, note in notes if note]
        parts += [escape(f"{e.dump}: {_said(e)}") for e in each.explanations]
    return Group(*parts)


def _stage(s: Stage) -> tuple[str, ...]:
    status = f"[{COLOURS[s.status]}]{s.status}[/]"
    if s.status == "not run":
        return s.stage, s.by, status, "", ""
    limit = f" of {s.tolerance:g}" if s.tolerance else ""
    return s.stage, s.by, status, f"{s.differing:,} of {s.values:,}", f"{s.most:.3g}{limit}"


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, no_wrap=bool(place), min_width=18 if not place else None)
    for first, *row in rows:
        table.add_row(escape(first), *row)
    return table
