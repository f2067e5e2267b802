"""A benchmark in the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType

from eyespot.artifacts.benchmarks import Benchmark, Latency, Machine
from eyespot.escaping import terminal
from eyespot.reports.styled import styled, table

COLUMNS = ("threads", "median", "p90", "p99", "images/s", "first run", "warm-up", "load", "memory")
NO_PROFILE = "no profile: benchmark_model is not installed there, and LiteRT in Python has none"


def benchmarks(many: tuple[Benchmark, ...]) -> Group:
    """For each: a line for each number of threads, the operators, and where it was measured. Times in ms."""
    return Group(*(part for each in many for part in _parts(each)))


def _parts(b: Benchmark) -> list[RenderableType]:
    parts: list[RenderableType] = [table(*COLUMNS, rows=[_row(each) for each in b.latencies])]
    last = b.latencies[-1]
    lines = [f"Times in ms of {b.model}:{b.precision} with {last.tool}; {last.runs:,} runs after {last.warmup_runs:,}"]
    if last.npu_nodes is not None:
        lines.append(f"{last.npu_nodes:,} nodes in {b.delegate}, {last.cpu_nodes:,} on the CPU")
    if last.preprocess is not None:
        lines.append(f"preprocessing: {_ms(last.preprocess)} ms")
    parts += [styled(terminal(line), "dim") for line in [*lines, _where(b.machine)]]
    if b.profile:
        return [*parts, "", table("operator", "ms", rows=[(each.operator, _ms(each.ms)) for each in b.profile])]
    return [*parts, styled(NO_PROFILE, "dim")] if b.machine.kernel else parts


def _row(each: Latency) -> tuple[str, ...]:
    times = (each.first, each.warmup, each.load)
    memory = "" if each.memory is None else f"{each.memory / 1e6:,.1f} MB"
    rate = "" if each.throughput is None else f"{each.throughput:,.0f}"
    middle = _ms(each.median) or f"{_ms(each.mean)} (mean)"
    return str(each.threads), middle, _ms(each.p90), _ms(each.p99), rate, *map(_ms, times), memory


def _ms(time: float | None) -> str:
    """Three digits; what is not known is left empty."""
    return "" if time is None else f"{float(f'{time:.3g}'):,g}"


def _where(m: Machine) -> str:
    governor = f"governor {m.governor}" if m.governor else ""
    known = [f"{each:g}" for each in (m.temperature, m.temperature_after) if each is not None]
    temperature = f"{' to '.join(known)} °C" if known else ""
    return ", ".join(filter(None, (m.name, m.address, m.board, m.processor, m.kernel, governor, temperature)))
