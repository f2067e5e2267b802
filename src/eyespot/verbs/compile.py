"""compile: a file for a device's NPU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eyespot import artifact, registry
from eyespot.cards import Artifact
from eyespot.devices import device as device_card
from eyespot.devices.vela import run_vela
from eyespot.errors import RefusedError
from eyespot.tflite.read import read


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """The compiled file and the compiler's own reports beside it."""

    artifact: Artifact
    file: Path
    reports: tuple[Path, ...]


def compile_for(model: str, *, device: str, out: Path | None = None) -> Compiled:
    """Compile an int8 file for a device's NPU, the compiler's reports kept beside the result.

    Example: eyespot compile tiny-resnet --device imx93 --out build/tiny-resnet/imx93

    Parameters
    ----------
    model
        A model (its int8 file), a .tflite file or a folder.
    device
        A device with a compiler: imx93.
    out
        Folder to write to; build/MODEL/DEVICE by default.
    """
    file, card = read(registry.find(model)), device_card(device)
    if card.compiler is None:
        raise RefusedError(
            f"{device}: has no compiler here; eyespot check {model} --device {device} tells what is known"
        )
    folder = out or Path("build") / (file.contract.model if file.contract else file.path.stem) / device
    made = run_vela(file.path, card.compiler, folder)
    record = artifact.record(
        made.file,
        verb="compile",
        model=file.contract.model if file.contract else "",
        arguments={"device": device, "options": list(card.compiler.arguments)},
        inputs={file.precision: file.sha256},
        tools=artifact.tools("ethos-u-vela"),
        facts={"npu": made.npu, "cpu": made.cpu, "sram": made.sram, "cycles": made.cycles},
    )
    return Compiled(artifact=record, file=made.file, reports=made.reports)
