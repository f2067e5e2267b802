"""What is known of a file on a device: measured here, checked by published rule, estimated, quoted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from eyespot.artifacts.measurements import Decides, Finding
from eyespot.devices.card import Device, Region
from eyespot.devices.compilers import Compilation
from eyespot.devices.host import HostMeasurements, tool
from eyespot.devices.latency import estimates, published
from eyespot.devices.rules import apply, ruleset
from eyespot.errors import BadFileError, EyespotError
from eyespot.quantity import Quantity, quantities
from eyespot.tflite.operators import peak_activations
from eyespot.tflite.tflm import Arena

HOST = "measured on this host, not on the device"


def find(host: HostMeasurements, device: Device) -> tuple[Finding, ...]:
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
    own = tool("eyespot")
    if region.use == "flash":
        size = quantities("B", tool=own, used=len(host.file.data))
        yield _within(region, "the file; code comes on top", **size)
    if region.use == "npu activations" and (peak := peak_activations(host.file)) is not None:
        live = quantities("B", kind="rule", tool=own, used=peak)
        yield _within(region, "the most bytes live at one time", **live)
    vela = host.vela(device) if region.use == "npu sram" else None
    if isinstance(vela, Compilation) and vela.facts["npu"]:
        sram = quantities("B", tool=tool("ethos-u-vela"), used=vela.facts["sram"])
        yield _within(region, "as vela plans it", **sram)
    arena = host.arena if region.use == "arena" else None
    if isinstance(arena, Arena):
        by = tool("tflite-micro")
        parts = quantities("B", tool=by, used=arena.total, head=arena.head, tail=arena.tail)
        yield _within(region, HOST, **parts)


def _within(region: Region, reason: str, *, used: Quantity, **parts: Quantity) -> Finding:
    """Compare what is used with the region's bytes, if they are known."""
    finding = Finding(
        check=region.use, place=region.name, status="ok", kind=used.kind, tool=used.tool,
        source=region.source, reason=reason, quantities={"used": used, **parts}, decides=region.decides,
    )  # fmt: skip
    if region.bytes is None:
        return replace(finding, reason=f"{reason}; compare with your part's, or give {region.name}")
    limit = quantities("B", kind="quoted", source=region.source, limit=region.bytes)
    finding = replace(finding, quantities={**finding.quantities, **limit})
    if (used.value or 0) <= region.bytes:
        return finding
    return replace(finding, status=region.over, advice=region.advice)
