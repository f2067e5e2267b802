"""check: a file against devices, by the tools that stand in for them on a host."""

from __future__ import annotations

from collections.abc import Iterable

from eyespot import registry
from eyespot.cards import Compatibility, Device, Finding, Status, Verdict
from eyespot.devices import ORDER
from eyespot.devices import device as device_card
from eyespot.devices.engines import ENGINES
from eyespot.tflite.read import File, read

WORST: tuple[Status, ...] = ("fails", "unknown", "partial", "ok")


def check(model: str, *, device: str | None = None) -> tuple[Compatibility, ...]:
    """Compute whether a file runs on devices, and whether all of it runs on their NPUs.

    Each finding says whether it was measured (on this host) or estimated, by which tool, and why.

    Example: eyespot check tiny-resnet --device imx93

    Parameters
    ----------
    model
        A model, a .tflite file of any origin or a folder that `make` wrote.
    device
        One device; all of them by default.
    """
    file = read(registry.find(model))
    return tuple(_check(file, device_card(name)) for name in ([device] if device else ORDER))


def _check(file: File, device: Device) -> Compatibility:
    findings = tuple(ENGINES[device.engine](file, device))
    of_npu = [f for f in findings if f.check.startswith("npu") and f.kind != "estimate"]
    others = [f for f in findings if not f.check.startswith("npu")]
    return Compatibility(
        device=device.name,
        file=file.sha256,
        runs=_verdict(others),
        npu=_npu(device, of_npu),
        findings=findings,
    )


def _npu(device: Device, findings: list[Finding]) -> Verdict | None:
    """None without an NPU; unknown where no tool can tell."""
    if device.npu is None:
        return None
    return (
        _verdict(findings)
        if findings
        else Verdict(status="unknown", reason=f"not verified: {device.npu_reason}")
    )


def _verdict(findings: Iterable[Finding]) -> Verdict:
    """The worst finding and its reason."""
    worst = min(findings, key=lambda finding: WORST.index(finding.status))
    return Verdict(status=worst.status, reason=f"{worst.check}: {worst.value}; {worst.reason}")
