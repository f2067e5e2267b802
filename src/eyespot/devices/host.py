"""What this host measures of a file, each measurement made once for all who ask for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar, TypeVarTuple

from eyespot.devices.card import Compiler, Device
from eyespot.devices.compilers import Compilation, run_vela
from eyespot.errors import EyespotError
from eyespot.tflite.operators import Operator, operators
from eyespot.tflite.read import File
from eyespot.tflite.run import run_on_zeros
from eyespot.tflite.tflm import Arena, measure_arena

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, kw_only=True)
class HostMeasurements:
    """Measurements of one file on demand. An error is a result: only a BadFileError is about the file."""

    file: File
    _vela: dict[Compiler, Compilation | EyespotError] = field(default_factory=dict, repr=False)

    @cached_property
    def litert(self) -> EyespotError | None:
        """Why LiteRT did not run the file; None if it did."""
        return _result(run_on_zeros, self.file)

    @cached_property
    def arena(self) -> Arena | EyespotError:
        """The arena that TFLM needs."""
        return _result(measure_arena, self.file)

    @cached_property
    def operators(self) -> tuple[Operator, ...]:
        """The operators with all that rules ask of them. BadFileError if the file is damaged."""
        return operators(self.file)

    def vela(self, device: Device) -> Compilation | EyespotError | None:
        """The file compiled by vela for a device; None for a device without vela."""
        compiler = device.compiler
        if compiler is None or compiler.name != "vela":
            return None
        if compiler not in self._vela:
            self._vela[compiler] = _result(run_vela, self.file, compiler)
        return self._vela[compiler]


def _result(measure: Callable[[*Ts], R], *args: *Ts) -> R | EyespotError:
    try:
        return measure(*args)
    except EyespotError as error:
        return error


def tool(package: str) -> str:
    """A tool with its version, if it is installed."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package
