"""A file compiled for a device's NPU, with the compiler's own reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eyespot.artifacts import atomic, sidecars
from eyespot.artifacts.sidecars import Artifact
from eyespot.devices.card import Compiler, Device
from eyespot.devices.compilers import Compilation, run_neutron
from eyespot.devices.host import HostMeasurements
from eyespot.errors import EyespotError, RefusedError
from eyespot.nouns import Noun


@dataclass(frozen=True, kw_only=True, repr=False)
class Compiled(Noun):
    """The compiled file and the compiler's own reports beside it."""

    artifact: Artifact
    file: Path
    reports: tuple[Path, ...]


def compile_file(
    host: HostMeasurements, device: Device, folder: Path | None = None, tool: Path | None = None
) -> Compiled:
    """Write the compiled file and its reports to `folder`, build/MODEL/DEVICE by default.

    RefusedError for a device without a compiler, and if nothing reaches the NPU.
    """
    file, model = host.file, host.file.contract.model if host.file.contract else ""
    if device.compiler is None:
        check = f"eyespot check --device {device.name}"
        raise RefusedError(f"{device.name}: has no compiler here; {check} says what is known")
    result = _compiled(host, device, device.compiler, tool)
    if not result.facts["npu"]:
        raise RefusedError(f"{file.path}: the compiler leaves all of it to the CPU; eyespot check says why")
    folder = folder or Path("build") / (model or file.path.stem) / device.name
    paths = {
        name: folder / name.replace("model_", f"{file.path.stem}_") for name in (result.name, *result.reports)
    }
    reports = tuple(atomic.write(paths[name], text) for name, text in result.reports.items())
    artifact = sidecars.save(
        paths[result.name], result.data, verb="compile", model=model, inputs={file.precision: file.sha256},
        arguments={"device": device.name, "options": list(device.compiler.arguments)},
        tools=result.tools, facts=result.facts,
    )  # fmt: skip
    return Compiled(artifact=artifact, file=paths[result.name], reports=reports)


def _compiled(host: HostMeasurements, device: Device, compiler: Compiler, tool: Path | None) -> Compilation:
    vela = host.vela(device)
    if vela is None:
        return run_neutron(host.file, compiler, tool)
    if isinstance(vela, EyespotError):
        raise vela
    if tool:
        raise RefusedError(f"--tool {tool}: vela is a Python package, which needs no path")
    return vela
