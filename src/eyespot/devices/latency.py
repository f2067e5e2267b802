"""Milliseconds: estimates, always a range with its reason, and what the device's maker published."""

from __future__ import annotations

from collections.abc import Iterator, Set

from eyespot.artifacts.measurements import Finding
from eyespot.devices.card import Device, Estimate
from eyespot.devices.host import HostMeasurements, tool
from eyespot.errors import EyespotError
from eyespot.quantity import Quantity, quantities


def estimates(host: HostMeasurements, device: Device, stopped: Set[str]) -> Iterator[Finding]:
    """A finding for each estimate; unknown if the verdict (`runs`, `npu`, `both`) is stopped."""
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
    name, source = host.file.contract.model if host.file.contract else "", device.published_source
    for number in (each for each in device.published if each.model == name):
        yield Finding(
            check="published", place=number.processor, status="ok", kind="quoted", tool="none", source=source,
            reason=f"published for another file of {name}, measured by its publisher",
            quantities=quantities("ms", kind="quoted", source=source, latency=number.milliseconds),
        )  # fmt: skip


def _by_vela(host: HostMeasurements, device: Device, estimate: Estimate) -> Finding:
    vela, by = host.vela(device), tool("ethos-u-vela")
    if isinstance(vela, EyespotError):
        return _unknown(device, estimate.check, str(vela))
    if vela is None or vela.facts["cpu"]:
        return _unknown(device, estimate.check, "vela counts no cycles for operators on the CPU")
    low, high = vela.milliseconds * estimate.least, vela.milliseconds * estimate.most
    more = quantities("ms", tool=by, vela=vela.milliseconds)
    more |= quantities("cycles", tool=by, cycles=vela.facts["cycles"])
    return _estimate(estimate, low, high, by, "vela's latency times a published rate", more)


def _by_operations(host: HostMeasurements, estimate: Estimate) -> Finding:
    adds, by = host.file.operations // 2, tool("eyespot")
    more = quantities("multiply-adds", tool=by, adds=adds)
    if estimate.per == "cycles per multiply-add":
        low, high = (1000 * adds * rate / estimate.hertz for rate in (estimate.least, estimate.most))
        more |= quantities("Hz", kind="quoted", source=estimate.source, clock=estimate.hertz)
    else:
        low, high = (1000 * adds / rate for rate in (estimate.most, estimate.least))
    return _estimate(estimate, low, high, by, "the multiply-adds at a published rate", more)


def _estimate(
    e: Estimate, low: float, high: float, by: str, reason: str, more: dict[str, Quantity]
) -> Finding:
    latency = Quantity(low=low, high=high, unit="ms", kind="estimate", tool=by, source=e.source)
    rate = Quantity(low=e.least, high=e.most, unit=e.per, kind="quoted", source=e.source)
    return Finding(
        check=e.check, status="ok", kind="estimate", tool=by, source=e.source, reason=reason,
        quantities={"latency": latency, "rate": rate, **more},
    )  # fmt: skip


def _unknown(device: Device, check: str, reason: str) -> Finding:
    return Finding(
        check=check, status="unknown", kind="estimate", tool="none", source=device.source, reason=reason
    )
