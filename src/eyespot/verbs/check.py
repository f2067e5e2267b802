"""check: a file against devices, by tools on this host and by what the makers published."""

from __future__ import annotations

from pathlib import Path

from eyespot.arguments import Bytes, Options, size, verb
from eyespot.artifacts.measurements import Compatibility
from eyespot.devices import device as device_card
from eyespot.devices import devices, with_vela
from eyespot.devices.explain import Explained
from eyespot.devices.explain import explain as explain_file
from eyespot.devices.host import HostMeasurements
from eyespot.devices.verdicts import check_file, demand
from eyespot.errors import BadArgumentError
from eyespot.zoo import registry


@verb
def check(
    model: str,
    *,
    device: str | None = None,
    ram: Bytes = None,
    flash: Bytes = None,
    vela: Options = None,
    strict: bool = False,
    explain: bool = False,
    out: Path | None = None,
) -> tuple[Compatibility, ...]:
    """Compute whether a file runs on devices, and on their NPUs.

    Each finding says whether it was measured (on this host), follows from a published rule, is an
    estimate or is quoted, by which tool or source, why, and what to do about it.

    Example: eyespot check tiny-resnet --device imx93

    Args:
        model: A model, a .tflite file of any origin or a folder that `make` wrote.
        device: One device, or the path of a .toml file that describes one; all devices by default.
        ram: The RAM that a device without its own figure has for the arena, such as 256k.
        flash: The flash that it has for the model file, such as 1M.
        vela: Options for vela, such as "--accelerator-config ethos-u85-256 --memory-mode Shared_Sram".
        strict: Exit with 1 unless all of it runs on the NPU, or on a device without an NPU runs.
        explain: Show instead, operator by operator, where it runs, which constraint of which source keeps it from
            the NPU, what helps, and what that costs.
        out: With explain, a folder to write to: explain.html, a page with the graph of each device in colours,
            and DEVICE.nodes.json, node data that model-explorer opens.
    """
    if out and not explain:
        raise BadArgumentError("out goes with explain")
    _, file = registry.open_model(model)
    if vela and not device:
        raise BadArgumentError("vela: say for which device")
    cards = [device_card(device)] if device else devices()
    cards = [with_vela(card, vela) for card in cards] if vela else cards
    host = HostMeasurements(file=file)
    checked: tuple[Compatibility, ...] = check_file(host, cards, ram=size(ram), flash=size(flash))
    if explain:
        reasons = tuple(explain_file(host, *each) for each in zip(cards, checked, strict=True))
        checked = _written(reasons, file.path.name, out) if out else reasons
    if strict:
        demand(file, checked)
    return checked


def _written(reasons: tuple[Explained, ...], name: str, out: Path) -> tuple[Explained, ...]:
    from eyespot.reports.page.graph import write_explained

    return write_explained(reasons, name, out)
