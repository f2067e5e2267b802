"""Arm's vela, the compiler for Ethos-U NPUs, and what its reports say.

Its exit code is 0 even if every operator stays on the CPU or the SRAM does not suffice, so only the
reports count.
"""

from __future__ import annotations

import csv
import importlib.util
import re
import sys

from eyespot.artifacts import sidecars
from eyespot.devices import compilers
from eyespot.devices.card import Compiler
from eyespot.errors import MissingExtraError
from eyespot.tflite.read import File

COMPILED, LAYERS = "model_vela.tflite", "model_per-layer.csv"


def run_vela(file: File, compiler: Compiler) -> compilers.Compilation:
    """Compile a file. MissingExtraError without vela; other errors as `compilers.run`."""
    if importlib.util.find_spec("ethosu") is None:
        raise MissingExtraError("ethos-u-vela", "devices")
    argv = [sys.executable, "-P", "-m", "ethosu.vela", compilers.INPUT, *compiler.arguments]
    argv += ["--output-dir", ".", "--verbose-performance"]
    log, files = compilers.run("vela", argv, file, COMPILED)
    summary = next(name for name in files if name.startswith("model_summary_"))
    figures = next(csv.DictReader(files[summary].decode().splitlines()))
    sram, cycles = float(figures["sram_memory_used"]) * 1024, float(figures["cycles_total"])
    counts = {"npu": _count("NPU", log), "cpu": _count("CPU", log)}
    return compilers.Compilation(
        name=COMPILED, data=files[COMPILED], tools=sidecars.tools("ethos-u-vela"), reasons=_reasons(log),
        reports={summary: files[summary], LAYERS: files[LAYERS], "vela.log": log.encode()},
        facts=counts | {"sram": round(sram), "cycles": round(cycles)},
        milliseconds=1000 * float(figures["inference_time"]),
    )  # fmt: skip


def _count(processor: str, log: str) -> int:
    """Operators on a processor, after vela has split and fused them."""
    match = re.search(rf"{processor} operators = (\d+)", log)
    return int(match[1]) if match else 0


def _reasons(log: str) -> tuple[str, ...]:
    """Why operators stay on the CPU, as `OPERATOR: reason`, each once."""
    pairs = re.findall(r"operator: (\w+), ofm: .*\nReason: (.*?)(?: \(\w+\))?\n", log)
    return tuple(dict.fromkeys(f"{operator}: {reason}" for operator, reason in pairs))
