"""What is known of a file on devices, and the verdicts on it: does it run, and does all of it on the NPU.

A finding is measured on this host, checked by a published rule, estimated or quoted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from eyespot.artifacts.measurements import Compatibility, Decides, Finding, Status
from eyespot.devices import devices
from eyespot.devices.card import Device, Region
from eyespot.devices.compilers import Compilation
from eyespot.devices.host import HostMeasurements, tool
from eyespot.devices.latency import estimates, published
from eyespot.devices.rules import apply, ruleset
from eyespot.errors import BadFileError, EyespotError, RefusedError, UnfitError
from eyespot.quantity import Kind, quantities
from eyespot.tflite.operators import peak_activations
from eyespot.tflite.tflm import Arena

WORST: tuple[Status, ...] = ("fails", "unknown", "partial", "ok")
HOST = "measured on this host, not on the device"


def check_file(
    host: HostMeasurements, cards: Sequence[Device], *,
    ram: int | None = None, flash: int | None = None, strict: bool = False,
) -> tuple[Compatibility, ...]:  # fmt: skip
    """A file on devices. `ram` and `flash` are the bytes of regions that a card leaves open.

    RefusedError if no card leaves them open. With `strict`, UnfitError unless all of the file runs on
    the NPU, or on a device without an NPU runs.
    """
    equipped = [_with_memory(card, {"arena": ram, "flash": flash}) for card in cards]
    if {ram, flash} != {None} and equipped == list(cards):
        names = ", ".join(card.name for card in cards)
        without = ", ".join(each.name for each in devices() if any(r.bytes is None for r in each.memory))
        raise RefusedError(f"{names}: its card has its memory; --ram and --flash are for {without}")
    results = tuple(_compatibility(host, card) for card in equipped)
    unfit = [c.device for c in results if (c.npu or c.runs).status != "ok"]
    if strict and unfit:
        raise UnfitError(f"{host.file.path}: not ok on {', '.join(unfit)}; the findings say why", results)
    return results


def _with_memory(card: Device, sizes: Mapping[str, int | None]) -> Device:
    memory = (replace(r, bytes=sizes.get(r.use)) if r.bytes is None else r for r in card.memory)
    return replace(card, memory=tuple(memory))


def _compatibility(host: HostMeasurements, device: Device) -> Compatibility:
    """All findings, and for each verdict the worst of those that decide it."""
    findings = _findings(host, device)

    def worst(verdict: str) -> Finding:
        decisive = (f for f in findings if f.decides in {verdict, "both"})
        return min(decisive, key=lambda f: WORST.index(f.status))

    npu = worst("npu") if device.npu else None
    runs, sha256 = worst("runs"), host.file.sha256
    return Compatibility(device=device.name, file=sha256, runs=runs, npu=npu, findings=findings)


def _findings(host: HostMeasurements, device: Device) -> tuple[Finding, ...]:
    """All findings of a file on a device; each of its verdicts is decided by one at least."""
    findings = [TOOLS[name](host, device) for name in device.tools]
    findings += [apply(ruleset(name), host.operators) for name in device.rules]
    wanted: tuple[Decides, ...] = ("runs", "npu") if device.npu else ("runs",)
    decided = {f.decides for f in findings}
    findings += [_undecided(device, each) for each in wanted if not decided & {each, "both"}]
    findings += [f for region in device.memory for f in _memory(host, device, region)]
    stopped = {f.decides for f in findings if f.status == "fails"}
    return (*findings, *estimates(host, device, stopped), *published(host, device))


def _undecided(device: Device, verdict: Decides) -> Finding:
    return Finding(
        check=verdict, status="unknown", kind="rule", tool="none", source=device.source, decides=verdict,
        reason="no tool on this host and no published rule decides it",
    )  # fmt: skip


def _runs(device: Device, name: str, package: str, result: object) -> Finding:
    finding = Finding(
        check="runs", place=name, status="ok", kind="measured", tool=tool(package), source=device.source,
        reason=f"{name} runs it ({HOST})", decides="runs",
    )  # fmt: skip
    return _failed(finding, result, "quantize it with eyespot: int8 in and out, supported operators")


def _vela(host: HostMeasurements, device: Device) -> Finding:
    """Vela's exit code says nothing: what counts is where it put the operators."""
    vela, by = host.vela(device), tool("ethos-u-vela")
    advice = "quantize to int8 and use operators that the NPU has"
    finding = Finding(
        check="npu operators", status="ok", kind="measured", tool=by, source=device.source,
        reason="every operator is compiled for the NPU", decides="npu",
    )  # fmt: skip
    if not isinstance(vela, Compilation):
        return _failed(finding, vela, advice)
    npu, cpu = vela.facts["npu"], vela.facts["cpu"]
    finding = replace(finding, quantities=quantities("operators", tool=by, npu=npu, cpu=cpu))
    if not cpu:
        return finding
    reason = "; ".join(vela.reasons[:3]) or "vela gives no reason"
    return replace(finding, status="partial" if npu else "fails", reason=reason, advice=advice)


def _failed(finding: Finding, result: object, advice: str) -> Finding:
    """A tool's finding, if its result is an error; only a refusal says something about the file."""
    if isinstance(result, BadFileError):
        return replace(finding, status="fails", reason=str(result), advice=advice)
    if isinstance(result, EyespotError):
        return replace(finding, status="unknown", reason=str(result))
    return finding


TOOLS: dict[str, Callable[[HostMeasurements, Device], Finding]] = {
    "litert": lambda host, device: _runs(device, "LiteRT", "ai-edge-litert", host.litert),
    "tflm": lambda host, device: _runs(device, "TFLM", "tflite-micro", host.arena),
    "vela": _vela,
}


def _memory(host: HostMeasurements, device: Device, region: Region) -> Iterator[Finding]:
    """What the file needs of a region; nothing if the tool that measures it did not accept the file."""
    if region.use == "flash":
        yield _within(region, "the file; code comes on top", "eyespot", used=len(host.file.data))
    elif region.use == "npu activations":
        if (peak := peak_activations(host.file)) is not None:
            yield _within(region, "the most bytes live at one time", "eyespot", kind="rule", used=peak)
    elif region.use == "npu sram":
        vela = host.vela(device)
        if isinstance(vela, Compilation) and vela.facts["npu"]:
            yield _within(region, "as vela plans it", "ethos-u-vela", used=vela.facts["sram"])
    elif isinstance(arena := host.arena, Arena):
        yield _within(region, HOST, "tflite-micro", used=arena.total, head=arena.head, tail=arena.tail)


def _within(
    region: Region, reason: str, package: str, *, kind: Kind = "measured", used: int, **parts: int
) -> Finding:
    """Compare the bytes that are used with the region's, if those are known."""
    sizes = quantities("B", kind=kind, tool=tool(package), source="", used=used, **parts)
    if region.bytes is None:
        reason += f"; compare with your part's, or give {region.name}"
    else:
        sizes |= quantities("B", kind="quoted", source=region.source, limit=region.bytes)
    over = region.bytes is not None and used > region.bytes
    return Finding(
        check=region.use, place=region.name, status=region.over if over else "ok", kind=kind,
        tool=tool(package), source=region.source, reason=reason, quantities=sizes,
        advice=region.advice if over else "", decides=region.decides,
    )  # fmt: skip
