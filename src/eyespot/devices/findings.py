"""What is found of a file on a device: measured here, checked by published rule, estimated, quoted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from eyespot.artifacts.measurements import Finding, Status
from eyespot.devices.bench import Bench, tool
from eyespot.devices.card import Device, Region
from eyespot.devices.latency import estimates, published
from eyespot.devices.rules import apply
from eyespot.devices.vela import Vela
from eyespot.errors import EyespotError
from eyespot.quantity import Kind

HOST = "measured on this host, not on the device"


def find(bench: Bench, device: Device) -> tuple[Finding, ...]:
    """All findings of a file on a device."""
    measured = [TOOLS[name](bench, device) for name in device.tools]
    rules = [apply(each, bench.operators) for each in device.rules]
    memory = [finding for region in device.memory for finding in _memory(bench, device, region)]
    stopped = {f.decides for f in (*measured, *rules, *memory) if f.status == "fails"}
    return (*measured, *rules, *memory, *estimates(bench, device, stopped), *published(bench, device))


def _runs(device: Device, name: str, package: str, error: EyespotError | None) -> Finding:
    return Finding(
        check="runs",
        status="fails" if error else "ok",
        value="no" if error else name,
        kind="measured",
        tool=tool(package),
        source=device.source,
        reason=str(error) if error else f"{name} runs it ({HOST})",
        advice="quantize it with eyespot: int8 in and out, supported operators" if error else "",
        decides="runs",
    )


def _litert(bench: Bench, device: Device) -> Finding:
    return _runs(device, "LiteRT", "ai-edge-litert", bench.litert)


def _tflm(bench: Bench, device: Device) -> Finding:
    error = bench.arena if isinstance(bench.arena, EyespotError) else None
    return _runs(device, "TFLM", "tflite-micro", error)


def _vela(bench: Bench, device: Device) -> Finding:
    """Vela's exit code says nothing: what counts is where it put the operators."""
    made = bench.vela(device)
    refused = Finding(
        check="npu operators",
        status="fails",
        value="not compiled",
        kind="measured",
        tool=tool("ethos-u-vela"),
        source=device.source,
        reason=str(made),
        advice="quantize to int8 and use operators that the NPU has",
        decides="npu",
    )
    return _compiled(made, refused) if isinstance(made, Vela) else refused


def _compiled(made: Vela, refused: Finding) -> Finding:
    value = f"{made.npu} on the NPU, {made.cpu} on the CPU"
    if not made.cpu:
        told = "every operator is compiled for the NPU"
        return replace(refused, status="ok", value=value, reason=told, advice="")
    status: Status = "partial" if made.npu else "fails"
    return replace(refused, status=status, value=value, reason="; ".join(made.reasons[:3]))


TOOLS: dict[str, Callable[[Bench, Device], Finding]] = {"litert": _litert, "tflm": _tflm, "vela": _vela}


def _memory(bench: Bench, device: Device, region: Region) -> Iterator[Finding]:
    """What the file takes of a region; nothing where the tool that tells did not take the file."""
    if region.use == "flash":
        yield _within(region, len(bench.file.data), tool("eyespot"), "the file; code comes on top")
    if region.use == "npu activations" and bench.activations is not None:
        yield _within(region, bench.activations, tool("eyespot"), "the most bytes live at one time", "rule")
    made = bench.vela(device) if region.use == "npu sram" else None
    if isinstance(made, Vela) and made.npu:
        yield _within(region, made.sram, tool("ethos-u-vela"), "as vela plans it")
    arena = bench.arena if region.use == "arena" else None
    if arena is not None and not isinstance(arena, EyespotError):
        told = f"head {arena.head:,} B (activations), tail {arena.tail:,} B (structures); {HOST}"
        yield _within(region, arena.total, tool("tflite-micro"), told)


def _within(region: Region, used: int, by: str, told: str, kind: Kind = "measured") -> Finding:
    """Compare what is used with the region's bytes, where they are known."""
    finding = Finding(
        check=region.use if region.decides != "nothing" else f"{region.use}, {region.name}",
        status="ok",
        value=f"{used:,} B",
        kind=kind,
        tool=by,
        source=region.source,
        reason=told,
        decides=region.decides,
    )
    if region.bytes is None:
        return replace(finding, reason=f"{told}; compare with your part's, or give {region.name}")
    value = f"{used:,} of {region.bytes:,} B ({region.name})"
    if used <= region.bytes:
        return replace(finding, value=value)
    return replace(finding, value=value, status=region.over, advice=region.advice)
