"""Devices as data (`*.toml`; sizes in bytes, clocks in hertz), and what checks a file against them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from eyespot import decoding
from eyespot.artifacts.measurements import Decides, Status
from eyespot.errors import UnknownNameError

FOLDER = Path(__file__).parent
REMEDY = "Correct the file; docs/devices-howto.md shows one"

Work = Literal["operators", "multiply-adds", "multiply-adds in lanes", "activation bytes"]
Positive = Annotated[float, Meta(gt=0, le=1e18)]


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A processor and its frequency."""

    name: str
    hertz: Positive
    source: str


@dataclass(frozen=True, kw_only=True)
class Region:
    """Contiguous memory and its use; `bytes` is None where the user has to specify them.

    `over` is the status of a file that needs more, `advice` what to do then, `decides` the verdict concerned.
    """

    use: Literal["arena", "flash", "npu sram", "npu activations"]
    name: str
    bytes: Annotated[int, Meta(ge=0)] | None = None
    over: Status = "fails"
    decides: Decides = "runs"
    advice: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """The program that compiles for the NPU, its arguments, and where it comes from."""

    name: Literal["vela", "neutron-converter"]
    arguments: tuple[str, ...]
    offered: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A range of latencies: `least` to `most` of the quantity that `per` names, at a clock's `hertz`.

    A fitted millisecond is the sum of `cost`, in milliseconds a unit of work.
    """

    check: Literal["latency", "npu latency"]
    per: Literal["vela millisecond", "cycles per multiply-add", "fitted milliseconds"]
    least: Positive
    most: Positive
    hertz: Positive = 1.0
    cost: dict[Work, Positive] = field(default_factory=dict, hash=False)
    source: str

    def __post_init__(self) -> None:
        """ValueError where one field needs another one."""
        if (self.per == "fitted milliseconds") != bool(self.cost):
            raise ValueError('expected a `cost` with "fitted milliseconds", and with nothing else')


@dataclass(frozen=True, kw_only=True)
class Published:
    """Milliseconds that the device's maker published for a model."""

    model: str
    processor: str
    milliseconds: Positive


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device. `tools` stand in for it on a host, `rules` names rule sets, `npu` is None if it has none."""

    name: str
    position: int
    title: str
    tools: tuple[Literal["litert", "tflm", "vela"], ...]
    source: str
    npu: str | None = None
    clocks: tuple[Clock, ...] = ()
    memory: tuple[Region, ...] = ()
    compiler: Compiler | None = None
    rules: tuple[str, ...] = ()
    latency: tuple[Estimate, ...] = ()
    published: tuple[Published, ...] = ()
    published_source: str = ""

    def __post_init__(self) -> None:
        """ValueError where one field needs another one."""
        if "vela" in self.tools and not (self.compiler and self.compiler.name == "vela"):
            raise ValueError('expected the compiler "vela", as `tools` names it')
        if self.published and not self.published_source:
            raise ValueError("expected `published_source`, as there are `published` figures")


@cache
def devices() -> tuple[Device, ...]:
    """All devices, by the position that their files give them."""
    return tuple(sorted(map(read_device, FOLDER.glob("*.toml")), key=lambda card: card.position))


def read_device(path: Path) -> Device:
    """The device that a .toml file describes, named after the file. BadFileError for a faulty one."""
    return decoding.read(Device, path, REMEDY, name=path.stem)


def device(name: str) -> Device:
    """A device by name. UnknownNameError names the near ones."""
    known = {card.name: card for card in devices()}
    if name not in known:
        raise UnknownNameError("device", name, known)
    return known[name]
