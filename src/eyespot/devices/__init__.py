"""Devices as data (`*.toml`; sizes in bytes, clocks in hertz), and what checks a file against them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from eyespot import decoding
from eyespot.artifacts import places
from eyespot.artifacts.measurements import Decides, Status
from eyespot.errors import BadFileError, MissingDataError, RefusedError, UnknownNameError

FOLDER = Path(__file__).parent
REMEDY = "Correct the file; docs/devices-howto.md shows one"
OPTIONS = ("--accelerator-config", "--config", "--system-config", "--memory-mode", "--arena-cache-size")

NPU_REGIONS = ("npu sram", "npu activations")
Work = Literal["inferences", "operators", "multiply-adds", "multiply-adds in lanes", "activation bytes"]
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

    def __post_init__(self) -> None:
        """ValueError for arguments that the program does not take."""
        known = OPTIONS if self.name == "vela" else ("--target",)
        names, values = self.arguments[::2], self.arguments[1::2]
        if len(names) != len(values) or not set(names) <= set(known):
            raise ValueError(f"expected `arguments` with a value each, of {', '.join(known)}")
        if self.name == "neutron-converter" and not names:
            raise ValueError("expected the argument --target, the NPU's name")


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A range of latencies: `least` to `most` of the quantity that `per` names, at a clock's `hertz`.

    A fitted millisecond is the sum of `cost`, in milliseconds a unit of work; files with more multiply-adds than
    `most_adds` are too far from those that it was fitted to.
    """

    check: Literal["latency", "npu latency"]
    per: Literal["vela millisecond", "cycles per multiply-add", "fitted milliseconds"]
    least: Positive
    most: Positive
    hertz: Positive = 1.0
    cost: dict[Work, Positive] = field(default_factory=dict, hash=False)
    most_adds: Positive | None = None
    source: str

    def __post_init__(self) -> None:
        """ValueError where one field needs another one."""
        if self.least > self.most:
            raise ValueError(f"expected `least` to be at most `most`, found {self.least:g} and {self.most:g}")
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
    title: str
    tools: tuple[Literal["litert", "tflm", "vela"], ...]
    source: str
    position: int = 100
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
        checks = {each.use for each in self.memory} | {each.check for each in self.latency}
        of_npu = [*(["compiler"] if self.compiler else []), *sorted(checks & {*NPU_REGIONS, "npu latency"})]
        if of_npu and not self.npu:
            raise ValueError(f"expected `npu`, the name of the NPU, as there is {of_npu[0]}")
        if "vela" in self.tools and not (self.compiler and self.compiler.name == "vela"):
            raise ValueError('expected the compiler "vela", as `tools` names it')
        if self.published and not self.published_source:
            raise ValueError("expected `published_source`, as there are `published` figures")
        sets = sorted(path.stem for path in (FOLDER / "rules").glob("*.toml"))
        for each in self.rules:
            if each not in sets:
                raise ValueError(f"expected `rules` of {', '.join(sets)}, got {each!r}")


@cache
def shipped() -> tuple[Device, ...]:
    """The devices of the package, by the position that their files give them."""
    return _sorted(map(read_device, FOLDER.glob("*.toml")))


def devices() -> tuple[Device, ...]:
    """Those of the package, and the user's own in `$EYESPOT_DATA/devices`. BadFileError for a faulty file there."""
    paths = sorted((places.data_root() / "devices").glob("*.toml"))
    for path in paths:
        if path.stem in {card.name for card in shipped()}:
            raise BadFileError(f"{path}: {path.stem} is a device of eyespot's; give the file another name")
    return shipped() + _sorted(map(read_device, paths)) if paths else shipped()


def _sorted(cards: Iterable[Device]) -> tuple[Device, ...]:
    return tuple(sorted(cards, key=lambda card: (card.position, card.name)))


def read_device(path: Path) -> Device:
    """The device that a .toml file describes, named after the file. BadFileError for a faulty one."""
    return decoding.read(Device, path, REMEDY, name=path.stem)


def device(name: str) -> Device:
    """A device by name, or by the path of its .toml file. UnknownNameError names the near ones."""
    if name.endswith(".toml"):
        if not Path(name).exists():
            raise MissingDataError(f"{name}: no such file; docs/devices-howto.md shows one")
        return read_device(Path(name))
    known = {card.name: card for card in devices()}
    if name not in known:
        raise UnknownNameError("device", name, known)
    return known[name]


def with_vela(card: Device, options: str) -> Device:
    """The card with options of the user's for vela in the place of its own. RefusedError for others than OPTIONS."""
    if card.compiler is None or card.compiler.name != "vela":
        names = ", ".join(each.name for each in devices() if each.compiler and each.compiler.name == "vela")
        raise RefusedError(f"{card.name}: is not compiled by vela; --vela is for {names}")
    try:
        words = [word for each in shlex.split(options) for word in each.split("=", 1)]
    except ValueError:  # a quotation mark without its pair
        words = [options]
    given = dict(zip(words[::2], words[1::2], strict=False))
    if len(words) % 2 or not given.keys() <= set(OPTIONS):
        raise RefusedError(f"--vela {options!r}: expected options with a value each, of {', '.join(OPTIONS)}")
    if (path := Path(given.get("--config", ""))).is_file():
        given["--config"] = str(path.absolute())  # vela runs in a folder of its own
    own = dict(zip(card.compiler.arguments[::2], card.compiler.arguments[1::2], strict=True))
    arguments = tuple(word for pair in (own | given).items() for word in pair)
    return replace(card, compiler=replace(card.compiler, arguments=arguments))
