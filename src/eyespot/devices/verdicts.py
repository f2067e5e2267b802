"""Whether a file runs on devices, and whether all of it runs on their NPUs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from eyespot.artifacts.measurements import Compatibility, Finding, Status
from eyespot.devices import devices
from eyespot.devices.card import Device
from eyespot.devices.findings import find
from eyespot.devices.host import HostMeasurements
from eyespot.errors import RefusedError, UnfitError

WORST: tuple[Status, ...] = ("fails", "unknown", "partial", "ok")


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
    findings = find(host, device)

    def worst(verdict: str) -> Finding:
        return min(
            (f for f in findings if f.decides in {verdict, "both"}), key=lambda f: WORST.index(f.status)
        )

    npu = worst("npu") if device.npu else None
    runs, sha256 = worst("runs"), host.file.sha256
    return Compatibility(device=device.name, file=sha256, runs=runs, npu=npu, findings=findings)
