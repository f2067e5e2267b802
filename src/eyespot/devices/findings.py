"""What is found of a file on a device: measured here, checked by published rule, estimated, quoted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from eyespot.artifacts.measurements import Decides, Finding
from eyespot.devices.card import Device, Region
from eyespot.devices.host import HostMeasurements, tool
from eyespot.devices.latency import estimates, published
from eyespot.devices.rules import apply, ruleset
from eyespot.devices.vela import Vela
from eyespot.errors import BadFileError, EyespotError
from eyespot.quantity import Kind, Quantity
from eyespot.tflite.tflm import Arena

HOST = "measured on this host, not on the device"


def find(host: HostMeasurements, device: Device) -> tuple[Finding, ...]:
    """All findings of a file on a device; each of its verdicts is decided by one at least."""
    findings = [TOOLS[name](host, device) for name in device.tools]
    findings += [apply(ruleset(name), host.operators) for name in device.rules]
    wanted: tuple[Decides, ...] = ("runs", "npu") if device.npu else ("runs",)
    decided = {f.decides for f in findings}
    findings += [_undecided(device, each) for each in wanted if not decided & {each, "both"}]
    findings += [finding for region in device.memory for finding in _memory(host, device, region)]
    stopped = {f.decides for f in findings if f.status == "fails"}
    return (*findings, *estimates(host, device, stopped), *published(host, device))


def _undecided(device: Device, verdict: Decides) -> Finding:
    return Finding(
        check=verdict, status="unknown", kind="rule", tool="none", source=device.source,
        reason="no tool on this host and no published rule decides it", decides=verdict,
    )  # fmt: skip


def _runs(device: Device, name: str, package: str, error: EyespotError | None) -> Finding:
    finding = Finding(
        check="runs",
        place=name,
        status="ok",
        kind="measured",
        tool=tool(package),
        source=device.source,
        reason=f"{name} runs it ({HOST})",
        decides="runs",
    )
    return _failed(finding, error, "quantize it with eyespot: int8 in and out, supported operators")


def _failed(finding: Finding, error: EyespotError | None, advice: str) -> Finding:
    """The finding of a tool that ended with an error; only a refusal of the file is a failure of the file."""
    if error is None:
        return finding
    if isinstance(error, BadFileError):
        return replace(finding, status="fails", reason=str(error), advice=advice)
    return replace(finding, status="unknown", reason=str(error))


def _litert(host: HostMeasurements, device: Device) -> Finding:
    return _runs(device, "LiteRT", "ai-edge-litert", host.litert)


def _tflm(host: HostMeasurements, device: Device) -> Finding:
    error = host.arena if isinstance(host.arena, EyespotError) else None
    return _runs(device, "TFLM", "tflite-micro", error)


def _vela(host: HostMeasurements, device: Device) -> Finding:
    """Vela's exit code says nothing: what counts is where it put the operators."""
    advice = "quantize to int8 and use operators that the NPU has"
    vela, by = host.vela(device), tool("ethos-u-vela")
    finding = Finding(
        check="npu operators",
        status="ok",
        kind="measured",
        tool=by,
        source=device.source,
        reason="every operator is compiled for the NPU",
        decides="npu",
    )
    if not isinstance(vela, Vela):
        return _failed(finding, vela, advice)
    counts = {"npu": vela.npu, "cpu": vela.cpu}
    finding = replace(finding, quantities={name: _count(n, by) for name, n in counts.items()})
    if not vela.cpu:
        return finding
    reason = "; ".join(vela.reasons[:3]) or "vela gives no reason"
    return replace(finding, status="partial" if vela.npu else "fails", reason=reason, advice=advice)


Check = Callable[[HostMeasurements, Device], Finding]
TOOLS: dict[str, Check] = {"litert": _litert, "tflm": _tflm, "vela": _vela}


def _memory(host: HostMeasurements, device: Device, region: Region) -> Iterator[Finding]:
    """What the file takes of a region; nothing if the tool that measures it did not accept the file."""
    own = tool("eyespot")
    if region.use == "flash":
        yield _within(region, "the file; code comes on top", used=_bytes(len(host.file.data), own))
    if region.use == "npu activations" and host.activations is not None:
        used = _bytes(host.activations, own, "rule")
        yield _within(region, "the most bytes live at one time", used=used)
    vela = host.vela(device) if region.use == "npu sram" else None
    if isinstance(vela, Vela) and vela.npu:
        yield _within(region, "as vela plans it", used=_bytes(vela.sram, tool("ethos-u-vela")))
    arena = host.arena if region.use == "arena" else None
    if isinstance(arena, Arena):
        parts = {"used": arena.total, "head": arena.head, "tail": arena.tail}
        yield _within(region, HOST, **{name: _bytes(n, tool("tflite-micro")) for name, n in parts.items()})


def _within(region: Region, reason: str, *, used: Quantity, **parts: Quantity) -> Finding:
    """Compare what is used with the region's bytes, if they are known."""
    finding = Finding(
        check=region.use,
        place=region.name,
        status="ok",
        kind=used.kind,
        tool=used.tool,
        source=region.source,
        reason=reason,
        quantities={"used": used, **parts},
        decides=region.decides,
    )
    if region.bytes is None:
        return replace(finding, reason=f"{reason}; compare with your part's, or give {region.name}")
    limit = Quantity(value=region.bytes, unit="B", kind="quoted", source=region.source)
    finding = replace(finding, quantities={"limit": limit, **finding.quantities})
    if (used.value or 0) <= region.bytes:
        return finding
    return replace(finding, status=region.over, advice=region.advice)


def _bytes(value: int, by: str, kind: Kind = "measured") -> Quantity:
    return Quantity(value=value, unit="B", kind=kind, tool=by)


def _count(value: int, by: str) -> Quantity:
    return Quantity(value=value, unit="operators", kind="measured", tool=by)
