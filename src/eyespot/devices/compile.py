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
    folder = folder or Path("build") / (model or file.path.stem) / device.name
    result = _compiled(host, device, tool)
    if not result.facts["npu"]:
        raise RefusedError(f"{file.path}: the compiler leaves all of it to the CPU; eyespot check says why")
    names = (result.name, *result.reports)
    paths = {name: folder / name.replace("model_", f"{file.path.stem}_") for name in names}
    reports = tuple(atomic.write(paths[name], text) for name, text in result.reports.items())
    arguments = {"device": device.name, "options": list(device.compiler.arguments if device.compiler else ())}
    artifact = sidecars.save(
        paths[result.name], result.data, verb="compile", model=model, arguments=arguments,
        inputs={file.precision: file.sha256}, tools=result.tools, facts=result.facts,
    )  # fmt: skip
    return Compiled(artifact=artifact, file=paths[result.name], reports=reports)


def _compiled(host: HostMeasurements, device: Device, tool: Path | None) -> Compilation:
    if device.compiler is None:
        check = f"eyespot check --device {device.name}"
        raise RefusedError(f"{device.name}: has no compiler here; {check} says what is known")
    vela = host.vela(device)
    if vela is None:
        return neutron.convert(host.file, device.compiler, tool)
    if isinstance(vela, EyespotError):
        raise vela
    if tool:
        raise RefusedError(f"--tool {tool}: vela is a Python package, which needs no path")
    return vela
