"""Files that a compiler has written for an NPU already: for which one, and what that says about a device."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

from eyespot.artifacts.measurements import Finding, Status
from eyespot.devices import Device
from eyespot.devices.rules import apply, ruleset
from eyespot.quantity import quantities
from eyespot.tflite.operators import Operator
from eyespot.tflite.read import File

ETHOS, NEUTRON = "custom:ethos-u", "custom:NeutronGraph"  # what vela and NXP's converter write
OPTIONS = {"--accelerator-config", "--target"}  # by which they are asked for an NPU
NEUTRON_TARGET = re.compile(r"neutron-converter \S+ for (.{1,60}?)(?: MCU target)?\.?$", re.M)
PRODUCTS = ("ethos-u55", "ethos-u65", "ethos-u85")
MOST_POWER = 11  # 2,048 multiply-adds a cycle
ADVICE = "take the file that it was made from, and compile that"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The NPU that a file is compiled for: its operator, and its name, "" if the file does not say it."""

    operator: str
    name: str

    @property
    def words(self) -> str:
        """What to say of the file."""
        npu = self.name or "an NPU that it does not name"
        return f"is compiled already for {npu} (custom operator {self.operator.removeprefix('custom:')})"

    def suits(self, device: Device) -> bool | None:
        """Whether the device has that NPU; None if the file does not say which it needs."""
        compiler = device.compiler
        if compiler is None or self.operator != (ETHOS if compiler.name == "vela" else NEUTRON):
            return False
        if not self.name:
            return None
        words = zip(compiler.arguments, compiler.arguments[1:], strict=False)
        return any(_plain(value) in _plain(self.name) for option, value in words if option in OPTIONS)

    def status(self, device: Device) -> Status:
        """Whether it runs there: unknown too if the device's software has the operator, and may have the NPU."""
        if suits := self.suits(device):
            return "ok"
        has = any(self.operator in ruleset(name).operators for name in device.rules)
        return "unknown" if suits is None or has else "fails"


def target(file: File) -> Target | None:
    """The NPU that a file is compiled for; None for a plain file."""
    names = file.operators
    if ETHOS in names:
        return Target(operator=ETHOS, name=_ethos(file, names.index(ETHOS)))
    if NEUTRON in names:
        said = NEUTRON_TARGET.search((file.model.description or b"").decode(errors="replace"))
        return Target(operator=NEUTRON, name="".join(filter(str.isprintable, said[1])) if said else "")
    return None


def judge(operators: tuple[Operator, ...], device: Device, found: Target) -> tuple[Finding, ...]:
    """What follows for a device: whether the file runs there, and what is left to the CPU."""
    status, counts = found.status(device), Counter(each.name for each in operators)
    npu = counts.pop(found.operator)
    rules = [rules for rules in map(ruleset, device.rules) if rules.decides == "runs"]
    finding = Finding(
        check="runs", place="compiled file", status="ok", kind="rule", tool="eyespot",
        source=device.compiler.source if device.compiler else device.source,
        reason=f"{found.words}, which this host has not", decides="runs",
    )  # fmt: skip
    if status != "ok":
        reason = f"{found.words}; {device.title} has " + (f"the NPU {device.npu}" if device.npu else "no NPU")
        if status == "unknown":
            reason = f"{found.words}; it runs where that NPU and its driver are"
        both = replace(finding, status=status, reason=reason, advice=ADVICE)
        return (replace(both, decides="both" if device.npu else "runs"),)
    rest = tuple(each for each in operators if each.name != found.operator)
    left = ", ".join(f"{name} ({n} x)" if n > 1 else name for name, n in counts.items())
    on_npu = replace(
        finding, check="npu operators", status="partial" if rest else "ok", decides="npu",
        reason=f"the compiler left {left} to the CPU" if rest else "all of it is compiled for the NPU",
        quantities=quantities("operators", kind="rule", tool="eyespot", npu=npu, cpu=len(rest)),
    )  # fmt: skip
    return (finding, on_npu, *(apply(each, rest) for each in rules))


def _ethos(file: File, place: int) -> str:
    """The configuration in the third word of the command stream: log2 of multiply-adds a cycle, and product."""
    stream = file.graph.tensors[file.graph.operators[place].inputs[0]]
    data = file.model.buffers[stream.buffer].data
    word = b"" if data is None else bytes(data[8:12])
    product, power = int.from_bytes(word, "little") >> 28, int.from_bytes(word, "little") & 15
    if len(word) < 4 or product >= len(PRODUCTS) or power > MOST_POWER:
        return ""
    return f"{PRODUCTS[product]}-{1 << power}"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
