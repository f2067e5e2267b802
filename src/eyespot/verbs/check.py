"""check: a file against devices, by tools on this host and by what the makers published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from eyespot.arguments import Bytes, size, verb
from eyespot.artifacts.measurements import Compatibility, Finding, Status, Verdict
from eyespot.devices import device as device_card
from eyespot.devices import devices, names
from eyespot.devices.bench import Bench
from eyespot.devices.card import Device
from eyespot.devices.findings import find
from eyespot.errors import RefusedError, UnfitError
from eyespot.tflite.read import read_any
from eyespot.zoo import registry

WORST: tuple[Status, ...] = ("fails", "unknown", "partial", "ok")


@verb
def check(
    model: str,
    *,
    device: str | None = None,
    ram: Bytes = None,
    flash: Bytes = None,
    strict: bool = False,
) -> tuple[Compatibility, ...]:
    """Compute whether a file runs on devices, and whether all of it runs on their NPUs.

    Each finding says whether it was measured (on this host), follows from a published rule, is an
    estimate or is quoted, by which tool or source, why, and what to do about it.

    Example: eyespot check tiny-resnet --device imx93

    Parameters
    ----------
    model
        A model, a .tflite file of any origin or a folder that `make` wrote.
    device
        One device; all of them by default.
    ram
        The RAM that a device without its own figure has for the arena, such as 256k.
    flash
        The flash that it has for the model file, such as 1M.
    strict
        Exit with 1 unless all of it runs on the NPU, or on a device without an NPU runs.
    """
    file = read_any(registry.find(model))
    cards = [device_card(name) for name in ([device] if device else names())]
    bench = Bench(file=file)
    found = tuple(
        _check(bench, _with(card, {"arena": size(ram), "flash": size(flash)}, device)) for card in cards
    )
    unfit = [c.device for c in found if (c.npu or c.runs).status != "ok"]
    if strict and unfit:
        raise UnfitError(f"{file.path}: not ok on {', '.join(unfit)}; the findings say why", found)
    return found


def _with(card: Device, given: dict[str, int | None], asked: str | None) -> Device:
    """The device with the user's memory where its card leaves it open.

    RefusedError where the card of the one device that was asked for has its own.
    """
    memory = tuple(
        replace(region, bytes=given.get(region.use)) if region.bytes is None else region
        for region in card.memory
    )
    if asked and memory == card.memory and any(given.values()):
        without = ", ".join(each.name for each in devices() if any(r.bytes is None for r in each.memory))
        raise RefusedError(f"{asked}: its card has its memory; --ram and --flash are for {without}")
    return replace(card, memory=memory)


def _check(bench: Bench, device: Device) -> Compatibility:
    findings = find(bench, device)
    return Compatibility(
        device=device.name,
        file=bench.file.sha256,
        runs=_verdict(f for f in findings if f.decides in {"runs", "both"}),
        npu=_verdict(f for f in findings if f.decides in {"npu", "both"}) if device.npu else None,
        findings=findings,
    )


def _verdict(findings: Iterable[Finding]) -> Verdict:
    """The worst finding and its reason."""
    worst = min(findings, key=lambda finding: WORST.index(finding.status))
    return Verdict(status=worst.status, reason=f"{worst.check}: {worst.value}; {worst.reason}")
