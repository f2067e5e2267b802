"""Arm's vela, the compiler for Ethos-U NPUs, and what its reports say.

Its exit code is 0 even where every operator stays on the CPU or the SRAM does not suffice, so only the
reports count.
"""

from __future__ import annotations

import csv
import importlib.util
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from eyespot.devices.card import Compiler
from eyespot.errors import BadFileError, MissingExtraError


@dataclass(frozen=True, kw_only=True)
class Vela:
    """A compiled file and vela's figures: operators by processor, bytes of SRAM, cycles, milliseconds."""

    file: Path
    reports: tuple[Path, ...]
    npu: int
    cpu: int
    reasons: tuple[str, ...]
    sram: int
    cycles: int
    milliseconds: float


def run_vela(file: Path, compiler: Compiler, folder: Path) -> Vela:
    """Compile a .tflite file into `folder`. BadFileError where vela refuses it."""
    if importlib.util.find_spec("ethosu.vela") is None:
        raise MissingExtraError("ethos-u-vela", "devices")
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "ethosu.vela", str(file), *compiler.arguments]
    command += ["--output-dir", str(folder), "--verbose-performance"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    log = folder / "vela.log"
    log.write_text(done.stdout + done.stderr, "utf-8")
    compiled = folder / f"{file.stem}_vela.tflite"
    if done.returncode or not compiled.exists():
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise BadFileError(f"{file}: vela does not take it: {said[-1]}")
    return _read(compiled, log)


def _read(compiled: Path, log: Path) -> Vela:
    stem = compiled.stem.removesuffix("_vela")
    layers = compiled.with_name(f"{stem}_per-layer.csv")
    summary = next(compiled.parent.glob(f"{stem}_summary_*.csv"))
    said = log.read_text("utf-8")
    with summary.open(newline="", encoding="utf-8") as file:
        figures = next(csv.DictReader(file))
    return Vela(
        file=compiled,
        reports=(summary, layers, log),
        npu=_count("NPU", said),
        cpu=_count("CPU", said),
        reasons=_reasons(said),
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
