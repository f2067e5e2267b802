"""The section on measured latencies; estimates stand with the devices."""

from __future__ import annotations

from eyespot.artifacts.benchmarks import Benchmark
from eyespot.reports.page.gather import Subject
from eyespot.reports.page.markup import Markup, code, join, name, table, tag
from eyespot.reports.words import three


def latency(s: Subject) -> Markup:
    """A line for each machine, with its fastest number of threads."""
    columns = ("Machine", "Median", "90 %", "First", "Threads", "Tool", "Command")
    return table("One picture at a time", columns, map(_row, s.benchmarks), "numbers") if s.benchmarks else Markup("")


def _row(b: Benchmark) -> tuple[object, ...]:
    fastest, m = b.fastest, b.machine
    where = ", ".join(filter(None, (m.board, m.processor, b.delegate)))
    return (
        join([name(m.name), tag("span", where, class_="under")]),
        tag("strong", f"{three(fastest.typical)} ms"),
        f"{three(fastest.p90)} ms" if fastest.p90 is not None else "",
        f"{three(fastest.first)} ms",
        fastest.threads,
        fastest.tool,
        code(b.command),
    )
