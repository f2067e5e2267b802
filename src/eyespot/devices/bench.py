"""What this host measures of a file, each measurement made once however many devices ask for it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from eyespot.devices.card import Compiler, Device
from eyespot.devices.vela import Vela, run_vela
from eyespot.errors import BadFileError, EyespotError, MissingExtraError
from eyespot.tflite.operators import Operator, operators, peak_activations
from eyespot.tflite.read import File
from eyespot.tflite.run import run_on_zeros
from eyespot.tflite.tflm import Arena, isolated, measure_arena


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Measurements of a file on demand; an error of the file is the measurement then."""

    file: File
    _compiled: dict[Compiler, Vela | BadFileError] = field(default_factory=dict)

    @cached_property
    def litert(self) -> EyespotError | None:
        """Why LiteRT does not run the file; None where it does."""
        try:
            run_on_zeros(self.file)
        except EyespotError as error:
            return error
        return None

    @cached_property
    def arena(self) -> Arena | EyespotError:
        """The arena that TFLM needs, or why it does not run the file."""
        if find_spec("tflite_micro") is None:
            raise MissingExtraError("tflite-micro", "devices")
        try:
            return isolated(measure_arena, self.file.path)
        except EyespotError as error:
            return error

    @cached_property
    def operators(self) -> tuple[Operator, ...]:
        """The operators with all that rules ask of them."""
        return operators(self.file)

    @cached_property
    def activations(self) -> int | None:
        """The most bytes of activations at one time, None where that cannot be told."""
        return peak_activations(self.file)

    def vela(self, device: Device) -> Vela | BadFileError | None:
        """What vela makes of the file, or why it does not take it; None for a device without vela."""
        compiler = device.compiler
        if compiler is None or compiler.name != "vela":
            return None
        if compiler not in self._compiled:
            self._compiled[compiler] = _compiled(self.file, compiler)
        return self._compiled[compiler]


def _compiled(file: File, compiler: Compiler) -> Vela | BadFileError:
    try:
        with tempfile.TemporaryDirectory() as folder:
            return run_vela(file.path, compiler, Path(folder))
    except BadFileError as error:
        return error


def tool(package: str) -> str:
    """A tool with its version."""
    return f"{package} {version(package)}"
