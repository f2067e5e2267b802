"""A file compiled for a device's NPU, with the compiler's own reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eyespot.artifacts import atomic, sidecars
from eyespot.artifacts.sidecars import Artifact
from eyespot.devices import neutron
from eyespot.devices.card import Device
from eyespot.devices.compilers import Compilation
from eyespot.devices.host import HostMeasurements
from eyespot.errors import EyespotError, RefusedError


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """The compiled file and the compiler's own reports beside it."""

    artifact: Artifact
    file: Path
    reports: tuple[Path, ...]


def compile_file(
    measured: HostMeasurements, device: Device, folder: Path | None = None, tool: Path | None = None
) -> Compiled:
    """Write the compiled file and its reports to `folder`, build/MODEL/DEVICE by default.

    RefusedError for a device without a compiler, and if nothing reaches the NPU.
    """
    file, compiler = measured.file, device.compiler
    if compiler is None:
        raise RefusedError(
            f"{device.name}: has no compiler here; eyespot check --device {device.name} says what is known"
        )
    model, stem = file.contract.model if file.contract else "", file.path.stem
    folder = folder or Path("build") / (model or stem) / device.name
    made = _vela(measured, device, tool) or neutron.convert(file, compiler, tool, folder)
    if not made.npu:
        raise RefusedError(
            f"{file.path}: {compiler.name} leaves all of it to the CPU; eyespot check says why"
        )
    paths = {name: folder / name.replace("model_", f"{stem}_") for name in (made.name, *made.reports)}
    reports = tuple(atomic.write(paths[name], text) for name, text in made.reports.items())
    artifact = sidecars.save(
        paths[made.name],
        made.data,
        verb="compile",
        model=model,
        arguments={"device": device.name, "options": list(compiler.arguments)},
        inputs={file.precision: file.sha256},
        tools=made.tools,
        facts=made.facts,
    )
    return Compiled(artifact=artifact, file=paths[made.name], reports=reports)


def _vela(measured: HostMeasurements, device: Device, tool: Path | None) -> Compilation | None:
    """None for a device with another compiler."""
    vela = measured.vela(device)
    if isinstance(vela, EyespotError):
        raise vela
    if vela and tool:
        raise RefusedError(f"--tool {tool}: vela is a Python package, which needs no path")
    return vela
