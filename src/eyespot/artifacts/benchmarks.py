"""Measured latencies: their nouns, and the files that hold them, in `bench` beside the evaluations."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path

from eyespot.artifacts import measurements
from eyespot.artifacts.atomic import write_json
from eyespot.escaping import file_name
from eyespot.nouns import Noun
from eyespot.quantity import Count, Size

FOLDER = "bench"


@dataclass(frozen=True, kw_only=True, repr=False)
class Machine(Noun):
    """Where a latency was measured; what the system does not say is "" or None.

    `address` is how it was reached, "" for this machine; `id` is a digest of its serial number and machine id,
    which tells boards with one name apart. Temperatures are those of the hottest sensor in degrees Celsius,
    before and after.
    """

    name: str
    board: str = ""
    processor: str = ""
    cores: Count | None = None
    kernel: str = ""
    governor: str = ""
    temperature: float | None = None
    temperature_after: float | None = None
    address: str = ""
    id: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What tells it from others: the more of them, the surer."""
        return self.name, self.address, self.board, self.id


@dataclass(frozen=True, kw_only=True, repr=False)
class Latency(Noun):
    """One image at a time with so many threads. Times are ms; what a tool does not give is None.

    `load` is until the tensors are allocated, `first` the first run, `warmup` the mean of those after it,
    `mean` to `p99` those of `runs` timed runs, `throughput` images a second, one after the other. `memory` is
    what loading and running added to the process, in bytes, at its peak. `npu_nodes` and `cpu_nodes` are those
    that the delegate took and left.
    """

    threads: Count
    load: Size | None = None
    first: Size
    warmup_runs: Count
    warmup: Size | None = None
    runs: Count
    mean: Size
    median: Size | None = None
    p90: Size | None = None
    p99: Size | None = None
    memory: Count | None = None
    npu_nodes: Count | None = None
    cpu_nodes: Count | None = None
    tool: str
    preprocess: Size | None = None
    throughput: Size | None = None

    @property
    def typical(self) -> float:
        """The median, or the mean of a tool that gives no median."""
        return self.mean if self.median is None else self.median


@dataclass(frozen=True, kw_only=True, repr=False)
class OperatorTime(Noun):
    """What an operator takes in ms, as a profiler says; profiling costs time itself."""

    operator: str
    ms: Size


@dataclass(frozen=True, kw_only=True, repr=False)
class Benchmark(Noun):
    """The latency of a file, named by its sha256, on a machine. `profile` is () where no profiler is installed."""

    model: str
    precision: str
    artifact: str
    machine: Machine
    delegate: str
    latencies: tuple[Latency, ...]
    profile: tuple[OperatorTime, ...]
    command: str

    def __post_init__(self) -> None:
        """ValueError without a latency."""
        if not self.latencies:
            raise ValueError("expected at least one latency")

    @property
    def fastest(self) -> Latency:
        """The number of threads with the least latency."""
        return min(self.latencies, key=lambda each: each.typical)


def keep(benchmark: Benchmark) -> None:
    """Write a benchmark under a name that the same measurement gets again; say so where that cannot be written."""
    b = benchmark
    delegate = [Path(b.delegate).stem] if b.delegate else []
    machine = hashlib.sha256("\0".join(b.machine.names).encode()).hexdigest()[:8]
    parts = (b.model, b.precision, b.artifact[:12], b.machine.name, machine, *delegate)
    with measurements.or_not_kept():
        write_json(measurements.own() / FOLDER / f"{'.'.join(map(file_name, parts))}.json", asdict(b))


def benchmarks(model: str, artifacts: set[str]) -> tuple[Benchmark, ...]:
    """The benchmarks of a model's files with these digests, the user's own before the shipped ones."""
    found = measurements.found(Benchmark, model, "*.json", FOLDER)
    return tuple(each for each in found if each.artifact in artifacts)


def labels(many: Sequence[Benchmark]) -> tuple[str, ...]:
    """The name of each one's machine, with as much more as tells it from the other machines."""
    machines = [each.machine for each in many]
    return tuple(_label(each, {other.names for other in machines if other.name == each.name}) for each in machines)


def _label(machine: Machine, alike: Set[tuple[str, ...]]) -> str:
    for count in range(1, len(machine.names)):
        if len({names[:count] for names in alike}) == len(alike):
            break
    else:
        count = len(machine.names)
    more = ", ".join(filter(None, machine.names[1:count]))
    return f"{machine.name} ({more})" if more else machine.name
