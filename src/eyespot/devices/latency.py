"""Milliseconds: estimates, always a range with its reason, and what the device's maker published."""

from __future__ import annotations

from collections.abc import Iterator, Set

from eyespot.artifacts.measurements import Finding
from eyespot.devices.card import Device, Estimate
from eyespot.devices.host import HostMeasurements, tool
from eyespot.errors import EyespotError
from eyespot.quantity import Quantity


def estimates(host: HostMeasurements, device: Device, stopped: Set[str]) -> Iterator[Finding]:
    """A finding for each estimate; unknown where the verdict (`runs`, `npu`, `both`) is stopped."""
    for estimate in device.latency:
        if stopped & {"both", "npu" if estimate.npu else "runs"}:
            yield _unknown(device, estimate.check, "it does not run there")
        elif host.file.precision == "float32":
            yield _unknown(device, estimate.check, "the published latencies are those of integer files")
        elif estimate.per == "vela millisecond":
            yield _by_vela(host, device, estimate)
        else:
            yield _by_operations(host, estimate)
    if not device.latency:
        yield _unknown(device, "latency", "no published latencies to estimate it from")


def published(host: HostMeasurements, device: Device) -> Iterator[Finding]:
    """What the maker published for the model of this file's contract."""
    name = host.file.contract.model if host.file.contract else ""
    source = device.published_source
    for number in device.published:
        if number.model == name:
            latency = Quantity(value=number.milliseconds, unit="ms", kind="quoted", source=source)
            yield Finding(
                check="published",
                place=number.processor,
                status="ok",
                kind="quoted",
                tool="none",
                source=source,
                reason=f"published for another file of {name}, measured by its publisher",
                quantities={"latency": latency},
            )


def _by_vela(host: HostMeasurements, device: Device, estimate: Estimate) -> Finding:
    vela, by = host.vela(device), tool("ethos-u-vela")
    if isinstance(vela, EyespotError):
        return _unknown(device, estimate.check, str(vela))
    if vela is None or vela.cpu:
        return _unknown(device, estimate.check, "vela counts no cycles for operators on the CPU")
    low, high = vela.milliseconds * estimate.least, vela.milliseconds * estimate.most
    return _estimate(
        estimate, low, high, by, "a multiple of vela's latency, as published ones were",
        vela=Quantity(value=vela.milliseconds, unit="ms", kind="measured", tool=by),
        cycles=Quantity(value=vela.cycles, unit="cycles", kind="measured", tool=by),
    )  # fmt: skip


def _by_operations(host: HostMeasurements, estimate: Estimate) -> Finding:
    adds, by, more = host.file.operations // 2, tool("eyespot"), {}
    if estimate.per == "cycles per multiply-add":
        low, high = (1000 * adds * rate / estimate.hertz for rate in (estimate.least, estimate.most))
        more = {"clock": Quantity(value=estimate.hertz, unit="Hz", kind="quoted", source=estimate.source)}
    else:
        low, high = (1000 * adds / rate for rate in (estimate.most, estimate.least))
    counted = Quantity(value=adds, unit="multiply-adds", kind="measured", tool=by)
    reason = "the multiply-adds at published rates"
    return _estimate(estimate, low, high, by, reason, adds=counted, **more)


def _estimate(estimate: Estimate, low: float, high: float, by: str, reason: str, **more: Quantity) -> Finding:
    source = estimate.source
    latency = Quantity(low=low, high=high, unit="ms", kind="estimate", tool=by, source=source)
    rate = Quantity(low=estimate.least, high=estimate.most, unit=estimate.per, kind="quoted", source=source)
    return Finding(
        check=estimate.check,
        status="ok",
        kind="estimate",
        tool=by,
        source=source,
        reason=reason,
        quantities={"latency": latency, "rate": rate, **more},
    )


def _unknown(device: Device, check: str, reason: str) -> Finding:
    return Finding(
        check=check, status="unknown", kind="estimate", tool="none", source=device.source, reason=reason
    )
