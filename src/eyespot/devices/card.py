"""A device as `devices/NAME.toml` describes it; sizes in bytes, clocks in hertz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from eyespot.artifacts.measurements import Decides, Status

Use = Literal["arena", "flash", "npu sram", "npu activations"]


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A processor and how often it ticks."""

    name: str
    hertz: float
    source: str


@dataclass(frozen=True, kw_only=True)
class Region:
    """Contiguous memory and what takes it; `bytes` is None where the user has to say.

    `over` is the status of a file that needs more, `advice` what to do then; `decides` is the verdict
    that it counts for.
    """

    use: Use
    name: str
    bytes: int | None = None
    over: Status = "fails"
    decides: Decides = "runs"
    advice: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """The program that compiles for the NPU, its arguments, and who offers it."""

    name: Literal["vela", "neutron-converter"]
    arguments: tuple[str, ...]
    offered: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Condition:
    """`predicate` of the values that an operator has in `field`, with `bound` to compare them with."""

    field: str = ""
    predicate: str
    bound: Any = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What operators must fulfil; `otherwise` is the status of one that does not.

    It concerns `operators` (all where there are none), not those in `but`, and only where `when` holds.
    """

    must: Condition
    why: str
    source: str
    operators: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    when: Condition | None = None
    otherwise: Status = "fails"


@dataclass(frozen=True, kw_only=True)
class Ruleset:
    """The operators that a piece of software takes, as its makers published it (`rules/NAME.toml`).

    `unlisted` is the status of any other operator.
    """

    name: str
    title: str
    source: str
    check: str
    decides: Decides
    unlisted: Status
    advice: str
    operators: tuple[str, ...]
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A range of latencies: `least` to `most` of the quantity that `per` names, at a clock's `hertz`."""

    check: str
    per: Literal["vela millisecond", "cycles per multiply-add", "multiply-adds per second"]
    least: float
    most: float
    hertz: float = 1.0
    npu: bool = False
    source: str


@dataclass(frozen=True, kw_only=True)
class Published:
    """Milliseconds that the device's maker published for a model."""

    model: str
    processor: str
    milliseconds: float


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device. `tools` are what stands in for it on a host; `npu` is None where there is none."""

    name: str
    position: int
    title: str
    tools: tuple[str, ...]
    source: str
    npu: str | None = None
    clocks: tuple[Clock, ...] = ()
    memory: tuple[Region, ...] = ()
    compiler: Compiler | None = None
    rules: tuple[Ruleset, ...] = ()
    latency: tuple[Estimate, ...] = ()
    published: tuple[Published, ...] = ()
    published_source: str = ""
