"""Operator by operator: where it runs on a device, which constraint of which source it breaks, and what helps."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Literal

from eyespot import decoding
from eyespot.artifacts.measurements import Compatibility, Finding
from eyespot.devices import FOLDER, REMEDY, Device
from eyespot.devices.compiled import target
from eyespot.devices.compilers import Compilation, refusals
from eyespot.devices.host import HostMeasurements, tool
from eyespot.devices.rules import Breach, Refusal, breaches, left_behind, ruleset
from eyespot.errors import BadFileError
from eyespot.nouns import Noun
from eyespot.tflite.operators import Operator

TENSORS = re.compile(r" \([^()]*\)$| tensor \S+")  # names that vela's reasons hold
FUSED = {"RELU", "RELU6", "RELU_N1_TO_1", "TANH"}
Place = Literal["npu", "cpu", "unknown", "nowhere"]


@dataclass(frozen=True, kw_only=True)
class Mend:
    """What helps the operators (all if empty) past a constraint with these words (a pattern), and what it costs."""

    words: str
    mend: str
    cost: str
    operators: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Mends:
    """The first that fits is given."""

    mends: tuple[Mend, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Broken(Noun):
    """A constraint that an operator breaks (`fails`) or may break (`unknown`), who says so, and what helps."""

    status: Literal["fails", "unknown"]
    constraint: str
    tool: str
    source: str
    mend: str
    cost: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Left(Noun):
    """An operator that is not in the file: the compiler adds it, on the CPU, behind one on the NPU."""

    name: str
    broken: Broken


@dataclass(frozen=True, kw_only=True, repr=False)
class Placed(Noun):
    """An operator of the file by its number: where it runs, and the constraints that keep it from the NPU.

    `values` is how many numbers it gives, `after` the operators that it reads from, `left` what the compiler adds.
    """

    number: int
    name: str
    place: Place
    shape: tuple[int, ...]
    values: int
    after: tuple[int, ...]
    broken: tuple[Broken, ...]
    left: tuple[Left, ...] = ()


@dataclass(frozen=True, kw_only=True, repr=False)
class Explained(Compatibility):
    """The same with the file's operators; `files` were written of it: a page, and node data for model-explorer."""

    operators: tuple[Placed, ...]
    files: tuple[Path, ...] = ()

    @property
    def verdict(self) -> Finding:
        """Of the NPU; without an NPU, whether the file runs."""
        return self.npu or self.runs


def explain(host: HostMeasurements, device: Device, checked: Compatibility) -> Explained:
    """Where each operator of a file runs on a device that it was checked for, and why. Errors as `check_file`."""
    places, graph = dict[int, int](), host.file.graph
    placed = []
    by_vela = {} if target(host.file) else _by_vela(host, device)
    for number, (operator, entry) in enumerate(zip(host.operators, graph.operators, strict=True)):
        runs, npu = _breaches(host, device, number, by_vela)
        shape = operator.outputs[0].shape if operator.outputs else ()
        placed.append(
            Placed(
                number=number, name=operator.name, place=_place(device, runs, npu), shape=shape, values=prod(shape),
                after=tuple(sorted({places[i] for i in map(int, entry.inputs) if i in places})),
                broken=tuple(_broken(operator.name, each) for each in dict.fromkeys((*runs, *npu))),
                left=() if runs or npu else _left(device, operator),
            )
        )  # fmt: skip
        places |= dict.fromkeys(map(int, entry.outputs), number)
    return Explained(**vars(checked), operators=tuple(placed))


def _left(device: Device, operator: Operator) -> tuple[Left, ...]:
    """What the compiler of the NPU adds behind an operator."""
    rulesets = (rules for rules in map(ruleset, device.rules) if rules.decides == "npu")
    behind = (each for rules in rulesets for each in left_behind(rules, operator))
    return tuple(Left(name=name, broken=_broken(name, breach)) for name, breach in behind)


def _place(device: Device, runs: list[Breach], npu: list[Breach]) -> Place:
    if any(each.status == "fails" for each in runs):
        return "nowhere"
    if runs:
        return "unknown"
    if device.npu is None or any(each.status == "fails" for each in npu):
        return "cpu"
    return "unknown" if npu else "npu"


def _breaches(
    host: HostMeasurements, device: Device, number: int, by_vela: dict[int, list[Breach]]
) -> tuple[list[Breach], list[Breach]]:
    """What keeps an operator from running at all, and from the NPU."""
    operator, compiled = host.operators[number], target(host.file)
    runs, npu = list[Breach](), list(by_vela.get(number, ()))
    for rules in map(ruleset, device.rules):
        if compiled is None or (rules.decides == "runs" and operator.name != compiled.operator):
            (runs if rules.decides == "runs" else npu).extend(breaches(rules, operator))
    if compiled and operator.name == compiled.operator and (status := compiled.status(device)) != "ok":
        refusal: Refusal = "unknown" if status == "unknown" else "fails"
        runs.append(Breach(refusal, compiled.words, "eyespot", device.source))
    elif compiled and operator.name != compiled.operator:
        npu.append(Breach("fails", "the compiler left it to the CPU", "eyespot", "the compiled file"))
    return runs, npu


def _by_vela(host: HostMeasurements, device: Device) -> dict[int, list[Breach]]:
    """Vela's reasons by the number of the operator; it names them by their output."""
    compiled, by = host.vela(device), tool("ethos-u-vela")
    if compiled is None:
        return {}
    source = "vela --supported-ops-report"
    if not isinstance(compiled, Compilation):
        status: Refusal = "fails" if isinstance(compiled, BadFileError) else "unknown"
        return {number: [Breach(status, str(compiled), by, source)] for number in range(len(host.operators))}
    labels = [(operator.name.partition(":")[0].upper(), _label(host, n)) for n, operator in enumerate(host.operators)]
    alike, said = Counter(labels), Counter(refusals(compiled))
    found = dict[int, list[Breach]]()
    for number, (name, label) in enumerate(labels):
        own = {why: n for (of, to, why), n in said.items() if of == name and to.removesuffix("_act") == label}
        fused = {why: n for (of, to, why), n in said.items() if of in FUSED and to == label}  # within a layer
        whys = own or fused
        status = "fails" if sum(whys.values()) >= alike[name, label] else "unknown"  # which one it names is not known
        found[number] = [Breach(status, why, by, source) for why in whys]
    return found


def _label(host: HostMeasurements, number: int) -> str:
    """What vela calls an operator's first output."""
    graph = host.file.graph
    outputs = [graph.tensors[i].name for i in graph.operators[number].outputs[:1]]
    return b"".join(name or b"<unnamed>" for name in outputs).decode(errors="replace")


def _broken(operator: str, breach: Breach) -> Broken:
    words = TENSORS.sub("", breach.why)
    fits = (
        each
        for each in _mends()
        if operator in (each.operators or (operator,)) and re.search(each.words, words, re.IGNORECASE)
    )
    mend = next(fits)  # the last fits all
    return Broken(
        status=breach.status, constraint=breach.why, tool=breach.tool, source=breach.source, mend=mend.mend,
        cost=mend.cost,
    )  # fmt: skip


@cache
def _mends() -> tuple[Mend, ...]:
    return decoding.read(Mends, FOLDER / "mends" / "mends.toml", REMEDY).mends
