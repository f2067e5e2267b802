"""All forms of one int8 file that a device takes, in one folder."""

from __future__ import annotations

from pathlib import Path

from eyespot.devices import Device
from eyespot.devices.host import HostMeasurements, compile_file
from eyespot.errors import MissingExtraError
from eyespot.exports.c import write_c
from eyespot.exports.folder import write_folder, write_golden
from eyespot.preprocessing.spec import Contract


def write_forms(
    measured: HostMeasurements, contract: Contract, folder: Path, device: Device
) -> tuple[int | None, tuple[str, ...]]:
    """Write golden/, c/, linux/ if the device runs LiteRT, and the file compiled by vela.

    Returns the arena of the C source in bytes, and what was left out because a package is not installed.
    """
    write_golden(measured.file, contract, folder / "golden")
    if "litert" in device.tools:
        write_folder(measured.file, contract, folder / "linux", device=device.name)
    arena = None
    try:
        _, arena = write_c(measured, contract, folder / "c")
        if device.compiler and device.compiler.name == "vela":
            compile_file(measured, device, folder / device.name)
    except MissingExtraError as error:
        return arena, (str(error),)
    return arena, ()
