"""Milliseconds: estimates, always a range with its reason, and what the device's maker published."""

from __future__ import annotations

from collections.abc import Iterator, Set

from eyespot.artifacts.measurements import Finding
from eyespot.devices.bench import Bench, tool
from eyespot.devices.card import Device, Estimate
from eyespot.devices.vela import Vela


def estimates(bench: Bench, device: Device, stopped: Set[str]) -> Iterator[Finding]:
    """A finding for each estimate; unknown where the verdict (`runs`, `npu`, `both`) is stopped."""
    for estimate in device.latency:
        if stopped & {"both", "npu" if estimate.npu else "runs"}:
            yield _unknown(device, estimate.check, "it does not run there")
        elif bench.file.precision == "float32":
            yield _unknown(device, estimate.check, "the published latencies are those of integer files")
        elif estimate.per == "vela millisecond":
            yield _by_vela(bench, device, estimate)
        else:
            yield _by_operations(bench, estimate)
    if not device.latency:
        yield _unknown(device, "latency", "no published latencies to estimate it from")


def published(bench: Bench, device: Device) -> Iterator[Finding]:
    """What the maker published for the model of this file's contract."""
    name = bench.file.contract.model if bench.file.contract else ""
    for number in device.published:
        if number.model == name:
            yield Finding(
                check=f"published, {number.processor}",
                status="ok",
                value=f"{number.milliseconds:g} ms",
                kind="quoted",
                tool="none",
                source=device.published_source,
                reason=f"published for another file of {name}, measured by its publisher",
            )


def _by_vela(bench: Bench, device: Device, estimate: Estimate) -> Finding:
    made = bench.vela(device)
    if not isinstance(made, Vela) or made.cpu:
        return _unknown(device, estimate.check, "vela counts no cycles for operators on the CPU")
    told = f"vela says {made.milliseconds:.3f} ms ({made.cycles:,} cycles)"
    reason = f"{told}; published latencies were x{estimate.least} to x{estimate.most} of it"
    low, high = made.milliseconds * estimate.least, made.milliseconds * estimate.most
    return _estimate(estimate, low, high, tool("ethos-u-vela"), reason)


def _by_operations(bench: Bench, estimate: Estimate) -> Finding:
    adds = bench.file.operations / 2
    if estimate.per == "cycles per multiply-add":
        low, high = (1000 * adds * rate / estimate.hertz for rate in (estimate.least, estimate.most))
        at = f"at {estimate.hertz / 1e6:g} MHz"
    else:
        low, high = (1000 * adds / rate for rate in (estimate.most, estimate.least))
        at = ""
    told = f"{adds / 1e6:.2f} M multiply-adds, {estimate.least:g} to {estimate.most:g} {estimate.per} {at}"
    return _estimate(estimate, low, high, tool("eyespot"), told.rstrip())


def _estimate(estimate: Estimate, low: float, high: float, by: str, reason: str) -> Finding:
    return Finding(
        check=estimate.check,
        status="ok",
        value=f"{low:.3g} to {high:.3g} ms",
        kind="estimate",
        tool=by,
        source=estimate.source,
        reason=reason,
    )


def _unknown(device: Device, check: str, reason: str) -> Finding:
    return Finding(
        check=check,
        status="unknown",
        value="not estimated",
        kind="estimate",
        tool="none",
        source=device.source,
        reason=reason,
    )
