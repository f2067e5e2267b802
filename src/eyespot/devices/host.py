"""Tools on this host: what they measure of a file, once for all who ask, and a file compiled for an NPU."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

from eyespot.artifacts import atomic, model_folder
from eyespot.artifacts.lock import held
from eyespot.artifacts.model_folder import Artifact
from eyespot.devices import Compiler, Device
from eyespot.devices.compiled import target
from eyespot.devices.compilers import Compilation, run_neutron, run_vela
from eyespot.errors import EyespotError, RefusedError
from eyespot.escaping import file_name
from eyespot.nouns import Noun
from eyespot.tflite.operators import Operator, operators
from eyespot.tflite.read import File
from eyespot.tflite.run import run_once
from eyespot.tflite.tflm import Arena, measure_arena

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class HostMeasurements:
    """Measurements of one file on demand. An error is a result: only a BadFileError is about the file."""

    file: File
    _vela: dict[Compiler, Compilation | EyespotError] = field(default_factory=dict, repr=False)

    @cached_property
    def litert(self) -> EyespotError | None:
        """Why LiteRT did not run the file; None if it did."""
        return _result(lambda: run_once(self.file))

    @cached_property
    def arena(self) -> Arena | EyespotError:
        """The arena that TFLM needs."""
        return _result(lambda: measure_arena(self.file))

    @cached_property
    def operators(self) -> tuple[Operator, ...]:
        """The operators with all that rules ask of them. BadFileError if the file is damaged."""
        return operators(self.file)

    def measure(self, devices: Iterable[Device]) -> None:
        """Run all tools of the devices at one time, each in its own process."""
        cards = {(name, card.compiler if name == "vela" else None): card for card in devices for name in card.tools}
        with ThreadPoolExecutor() as threads:
            list(threads.map(lambda key: TOOLS[key[0]](self, cards[key]), cards))

    def vela(self, device: Device) -> Compilation | EyespotError | None:
        """The file compiled by vela for a device; None for a device without vela."""
        compiler = device.compiler
        if compiler is None or compiler.name != "vela":
            return None
        if compiler not in self._vela:
            self._vela[compiler] = _result(lambda: run_vela(self.file, compiler))
        return self._vela[compiler]


TOOLS: dict[str, Callable[[HostMeasurements, Device], object]] = {
    "litert": lambda host, _: host.litert,
    "tflm": lambda host, _: host.arena,
    "vela": lambda host, device: host.vela(device),
}


def _result(measure: Callable[[], R]) -> R | EyespotError:
    try:
        return measure()
    except EyespotError as error:
        return error


@cache
def tool(package: str) -> str:
    """A tool with its version, if it is installed."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


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

    RefusedError for a device without a compiler, a compiled file, and if nothing reaches the NPU.
    """
    if found := target(host.file):
        raise RefusedError(f"{host.file.path}: {found.words}; compile the file that it was made from")
    if device.compiler is None:
        check = f"eyespot check --device {shlex.quote(device.name)}"
        raise RefusedError(f"{device.name}: has no compiler here; {check} says what is known")
    file, result = host.file, _compiled(host, device, device.compiler, tool)
    if not result.facts["npu"]:
        raise RefusedError(f"{file.path}: the compiler leaves all of it to the CPU; eyespot check says why")
    model, stem = file.contract.model if file.contract else "", file_name(file.path.stem)
    folder = folder or Path("build") / file_name(model or stem) / file_name(device.name)
    paths = {name: folder / name.replace("model_", f"{stem}_") for name in (result.name, *result.reports)}
    with held(folder):
        reports = tuple(atomic.write(paths[name], text) for name, text in result.reports.items())
        artifact = model_folder.save(
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
