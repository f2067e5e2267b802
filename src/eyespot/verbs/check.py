"""check: a file against devices, by tools on this host and by what the makers published."""

from __future__ import annotations

from eyespot.arguments import Bytes, size, verb
from eyespot.artifacts.measurements import Compatibility
from eyespot.devices import device as device_card
from eyespot.devices import devices, with_vela
from eyespot.devices.host import HostMeasurements
from eyespot.devices.verdicts import check_file
from eyespot.errors import BadArgumentError
from eyespot.zoo import registry


@verb
def check(
    model: str,
    *,
    device: str | None = None,
    ram: Bytes = None,
    flash: Bytes = None,
    vela: str | None = None,
    strict: bool = False,
) -> tuple[Compatibility, ...]:
    """Compute whether a file runs on devices, and whether all of it runs on their NPUs.

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
    """
    _, file = registry.open_model(model)
    if vela and not device:
        raise BadArgumentError("vela: say for which device")
    cards = [device_card(device)] if device else devices()
    cards = [with_vela(card, vela) for card in cards] if vela else cards
    return check_file(HostMeasurements(file=file), cards, ram=size(ram), flash=size(flash), strict=strict)
