"""Everything that a board needs beside the model files."""

from __future__ import annotations

from pathlib import Path

from eyespot.devices import Device
from eyespot.devices.host import HostMeasurements, compile_file
from eyespot.errors import MissingExtraError
from eyespot.exports.c import write_c
from eyespot.exports.golden import write_golden
from eyespot.preprocessing.spec import Contract


def write_board(
    measured: HostMeasurements, contract: Contract, device: Device, folder: Path
) -> tuple[int | None, tuple[str, ...]]:
    """Write golden tensors, C source and, for an NPU of Arm's, the compiled file.

    Return the bytes of arena that the C source reserves, and why something was left out that needs an
    optional package. Other errors as `write_c` and `compile_file`.
    """
    write_golden(measured.file, contract, folder / "golden")
    arena = None
    try:
        _, arena = write_c(measured, contract, folder / "c")
        if device.compiler and device.compiler.name == "vela":
            compile_file(measured, device, folder / device.name)
    except MissingExtraError as error:
        return arena, (str(error),)
    return arena, ()
