"""Arm's vela, the compiler for Ethos-U NPUs, and what its reports say.

Its exit code is 0 even if every operator stays on the CPU or the SRAM does not suffice, so only the
reports count.
"""

from __future__ import annotations

import csv
import importlib.util
import re
import sys
from dataclasses import dataclass

from eyespot.artifacts import sidecars
from eyespot.devices import compilers
from eyespot.devices.card import Compiler
from eyespot.errors import BadFileError, MissingExtraError, ToolCrashedError
from eyespot.tflite.read import File

COMPILED, LAYERS, SUMMARY = "model_vela.tflite", "model_per-layer.csv", "model_summary_"


@dataclass(frozen=True, kw_only=True)
class Vela(compilers.Compilation):
    """Vela's figures: bytes of SRAM, cycles, milliseconds, and why operators stay on the CPU."""

    reasons: tuple[str, ...]
    sram: int
    cycles: int
    milliseconds: float

    @property
    def facts(self) -> dict[str, int]:
        """What the sidecar says of the file."""
        return {**super().facts, "sram": self.sram, "cycles": self.cycles}


def run_vela(file: File, compiler: Compiler) -> Vela:
    """Compile a file. BadFileError if vela refuses it; other errors as `eyespot.isolation.command`."""
    if importlib.util.find_spec("ethosu") is None:
        raise MissingExtraError("ethos-u-vela", "devices")
    argv = [sys.executable, "-P", "-m", "ethosu.vela", compilers.INPUT, *compiler.arguments]
    done = compilers.run("vela", [*argv, "--output-dir", ".", "--verbose-performance"], file.data)
    if "Traceback" in done.log and "Compilation failed" not in done.log:  # which is how it refuses
        raise ToolCrashedError(f"vela crashed: {done.last_words}")
    if done.code or COMPILED not in done.files:
        raise BadFileError(f"{file.path}: vela does not take it: {done.last_words}")
    return _read(done)


def _read(done: compilers.Run) -> Vela:
    summary = next(name for name in done.files if name.startswith(SUMMARY))
    figures = next(csv.DictReader(done.files[summary].decode().splitlines()))
    reports = {name: done.files[name] for name in (summary, LAYERS)}
    return Vela(
        name=COMPILED,
        data=done.files[COMPILED],
        reports=reports | {"vela.log": done.log.encode()},
        tools=sidecars.tools("ethos-u-vela"),
        npu=_count("NPU", done.log),
        cpu=_count("CPU", done.log),
        reasons=_reasons(done.log),
        sram=round(float(figures["sram_memory_used"]) * 1024),
        cycles=round(float(figures["cycles_total"])),
        milliseconds=1000 * float(figures["inference_time"]),
    )


def _count(processor: str, log: str) -> int:
    """Operators on a processor, after vela has split and fused them."""
    found = re.search(rf"{processor} operators = (\d+)", log)
    return int(found[1]) if found else 0


def _reasons(log: str) -> tuple[str, ...]:
    """Why operators stay on the CPU, as `OPERATOR: reason`, each once."""
    found = re.findall(r"operator: (\w+), ofm: .*\nReason: (.*?)(?: \(\w+\))?\n", log)
    return tuple(dict.fromkeys(f"{operator}: {reason}" for operator, reason in found))
