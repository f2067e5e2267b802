"""compile: a file for a device's NPU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyespot.arguments import verb
from eyespot.artifacts import atomic, sidecars
from eyespot.artifacts.sidecars import Artifact
from eyespot.devices import device as device_card
from eyespot.devices.card import Compiler
from eyespot.devices.neutron import convert, locate
from eyespot.devices.vela import run_vela
from eyespot.errors import RefusedError
from eyespot.nouns import Noun
from eyespot.tflite.read import read_any
from eyespot.zoo import registry


@dataclass(frozen=True, kw_only=True, repr=False)
class Compiled(Noun):
    """The compiled file and the compiler's own reports beside it."""

    artifact: Artifact
    file: Path
    reports: tuple[Path, ...]


@verb
def compile_for(model: str, *, device: str, tool: Path | None = None, out: Path | None = None) -> Compiled:
    """Compile an int8 file for a device's NPU, the compiler's reports kept beside the result.

    vela comes with eyespot[devices]; NXP's neutron-converter comes from NXP.

    Example: eyespot compile tiny-resnet --device imx93 --out build/tiny-resnet/imx93

    Parameters
    ----------
    model
        A model (its int8 file), a .tflite file or a folder.
    device
        A device with a compiler: imx93 or mcxn947.
    tool
        Where neutron-converter is; found on the PATH by default.
    out
        Folder to write to; build/MODEL/DEVICE by default.
    """
    file, card = read_any(registry.find(model)), device_card(device)
    compiler = card.compiler
    if compiler is None:
        raise RefusedError(
            f"{device}: has no compiler here; eyespot check {model} --device {device} tells what is known"
        )
    name = file.contract.model if file.contract else ""
    made, reports, tools, facts = _compiled(
        file.path, compiler, tool, out or Path("build") / (name or file.path.stem) / device
    )
    if not facts["npu"]:
        raise RefusedError(
            f"{file.path}: {compiler.name} leaves all of it to the CPU; eyespot check says why"
        )
    record = sidecars.record(
        made,
        verb="compile",
        model=name,
        arguments={"device": device, "options": list(compiler.arguments)},
        inputs={file.precision: file.sha256},
        tools=tools,
        facts=facts,
    )
    return Compiled(artifact=record, file=made, reports=reports)


def _compiled(
    path: Path, compiler: Compiler, tool: Path | None, folder: Path
) -> tuple[Path, tuple[Path, ...], dict[str, str], dict[str, Any]]:
    """The compiled file, reports, versions and facts."""
    if compiler.name == "vela":
        if tool:
            raise RefusedError(f"--tool {tool}: vela is a Python package: {compiler.offered}")
        vela = run_vela(path, compiler, folder)
        facts = {"npu": vela.npu, "cpu": vela.cpu, "sram": vela.sram, "cycles": vela.cycles}
        return vela.file, vela.reports, sidecars.tools("ethos-u-vela"), facts
    converter = locate(compiler, tool)
    made = convert(path, compiler, converter, folder)
    tools = sidecars.tools() | {compiler.name: f"sha256 {atomic.digest_file(converter)}"}
    return made.file, (made.log,), tools, {"npu": made.npu, "cpu": made.cpu}
