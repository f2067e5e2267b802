"""compile: a file for a device's NPU."""

from __future__ import annotations

from pathlib import Path

from eyespot.arguments import Options, verb
from eyespot.devices import device as device_card
from eyespot.devices import with_vela
from eyespot.devices.host import Compiled, HostMeasurements, compile_file
from eyespot.zoo import registry


@verb
def compile_for(
    model: str, *, device: str, tool: Path | None = None, vela: Options = None, out: Path | None = None
) -> Compiled:
    """Compile an int8 file for a device's NPU.

    The compiler's reports are kept beside the result. vela comes with eyespot[devices]; NXP's neutron-converter
    and eiq-neutron-sdk come from NXP.

    Example: eyespot compile tiny-resnet --device imx93 --out build/tiny-resnet/imx93

    Args:
        model: A model (its int8 file), a .tflite file or a folder.
        device: A device with a compiler (imx93, ethos-u, mcxn947, imx95, imxrt700), or the path of a .toml file.
        tool: Where neutron-converter is; by default on the PATH, or in the package eiq-neutron-sdk.
        vela: Options for vela, such as "--accelerator-config ethos-u85-256 --memory-mode Shared_Sram".
        out: Folder to write to; build/MODEL/DEVICE by default.
    """
    _, file = registry.open_model(model)
    card = device_card(device)
    return compile_file(HostMeasurements(file=file), with_vela(card, vela) if vela else card, out, tool)
