"""What a host can measure of a file for a device: one function for each engine, giving findings."""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from eyespot.cards import Device, Finding, Kind, Status
from eyespot.devices.vela import Vela, run_vela
from eyespot.errors import EyespotError, MissingExtraError
from eyespot.tflite.read import File
from eyespot.tflite.run import open_runner
from eyespot.tflite.tflm import isolated, measure_arena

HOST = "measured on this host, not on the device"


def litert(file: File, device: Device) -> list[Finding]:
    """Whether LiteRT loads and runs the file."""
    tool = f"ai-edge-litert {version('ai-edge-litert')}"
    try:
        open_runner(file, "xnnpack")(np.zeros(file.input.shape[1:], file.input.dtype))
    except EyespotError as error:
        return [_finding("runs", "fails", "no", "measured", tool, device, str(error), "convert it again")]
    return [_finding("runs", "ok", "LiteRT", "measured", tool, device, f"LiteRT runs it ({HOST})")]


def tflm(file: File, device: Device) -> list[Finding]:
    """Whether TFLM runs the file, the arena it needs, and its place in flash."""
    if find_spec("tflite_micro") is None:
        raise MissingExtraError("tflite-micro", "devices")
    tool = f"tflite-micro {version('tflite-micro')}"
    try:
        arena = isolated(measure_arena, file.path)
    except EyespotError as error:
        advice = "quantize it with eyespot: int8 in and out, supported operators"
        return [_finding("runs", "fails", "no", "measured", tool, device, str(error), advice)]
    told = f"{arena.head:,} B of activations, {arena.tail:,} B of structures; {HOST}"
    return [
        _finding("runs", "ok", "TFLM", "measured", tool, device, f"TFLM runs it ({HOST})"),
        _within("arena", arena.total, device.arena, device, tool, told),
        _within("flash", len(file.data), device.flash, device, tool, "the file; code comes on top"),
    ]


def vela(file: File, device: Device) -> list[Finding]:
    """Where vela puts the operators, the SRAM it needs, and its latency with the known spread."""
    with tempfile.TemporaryDirectory() as folder:
        found = run_vela(file.path, device, Path(folder))
    tool = f"ethos-u-vela {version('ethos-u-vela')}"
    return [
        *litert(file, device),
        _operators(found, device, tool),
        _sram(found, device, tool),
        _latency(found, device, tool),
    ]


ENGINES = {"litert": litert, "tflm": tflm, "vela": vela}


def _operators(found: Vela, device: Device, tool: str) -> Finding:
    status: Status = "ok" if not found.cpu else "partial" if found.npu else "fails"
    reason = "; ".join(found.reasons[:3]) or "every operator is compiled for the NPU"
    advice = "" if status == "ok" else "quantize to int8 and use operators that the NPU has"
    value = f"{found.npu} on the NPU, {found.cpu} on the CPU"
    return _finding("npu operators", status, value, "measured", tool, device, reason, advice)


def _sram(found: Vela, device: Device, tool: str) -> Finding:
    return _within("npu sram", found.sram, device.sram, device, tool, "as vela plans it")


def _latency(found: Vela, device: Device, tool: str) -> Finding:
    if found.cpu or device.latency_spread is None:
        reason = "vela counts no cycles for operators on the CPU"
        return _finding("npu latency", "unknown", "not known", "estimate", tool, device, reason)
    least, most = device.latency_spread
    cycles = f"vela says {found.milliseconds:.3f} ms ({found.cycles:,} cycles)"
    reason = f"{cycles}; published latencies were x{least} to x{most} of it"
    value = f"{found.milliseconds * least:.2f} to {found.milliseconds * most:.2f} ms"
    return _finding("npu latency", "ok", value, "estimate", tool, device, reason)


def _within(check: str, used: int, limit: int | None, device: Device, tool: str, told: str) -> Finding:
    """Compare bytes with a device's limit; over the arena's is what the device says of it."""
    if limit is None:
        return _finding(
            check, "ok", f"{used:,} B", "measured", tool, device, f"{told}; compare with your part's"
        )
    status: Status = "ok" if used <= limit else device.over_arena if check == "arena" else "fails"
    where = f" ({device.arena_region})" if check == "arena" else ""
    advice = (
        "" if status == "ok" else device.over_arena_advice if check == "arena" else "choose a smaller model"
    )
    return _finding(check, status, f"{used:,} of {limit:,} B{where}", "measured", tool, device, told, advice)


def _finding(
    check: str,
    status: Status,
    value: str,
    kind: Kind,
    tool: str,
    device: Device,
    reason: str,
    advice: str = "",
) -> Finding:
    return Finding(
        check=check,
        status=status,
        value=value,
        kind=kind,
        tool=tool,
        source=device.source,
        reason=reason,
        advice=advice,
    )
