"""Compilers for NPUs: Arm's vela for Ethos-U, and NXP's neutron-converter, which only NXP offers."""

from __future__ import annotations

import csv
import errno
import importlib.util
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eyespot import isolation
from eyespot.artifacts import model_folder
from eyespot.artifacts.atomic import digest_file, not_written
from eyespot.devices import Compiler
from eyespot.errors import EXTRAS, BadFileError, MissingDataError, MissingExtraError, ToolCrashedError, ToolStartError
from eyespot.tflite.read import File, parse

INPUT = "model.tflite"  # a name that is safe; what compilers write is called model_...
SECONDS, MEMORY = 900, 8 << 30
USAGE = 2  # the exit code for arguments that Python's programs do not take
SDK = """
import sys
from pathlib import Path
from eiq_neutron_sdk import neutron_converter, neutron_library_utils

source, output, target = sys.argv[1:]
if not neutron_library_utils.isNeutronTarget(target):  # which would crash the converter
    sys.exit(f"it does not know the target {target}")
context = neutron_converter.CompilationContext()
context.targetOpts = neutron_converter.getNeutronTarget(target)
Path(output).write_bytes(bytes(neutron_converter.convertModel(list(Path(source).read_bytes()), context)))
"""  # as ExecuTorch's back end calls it


@dataclass(frozen=True, kw_only=True)
class Compilation:
    """A compiled file and the compiler's reports by name; `facts` counts the operators on `npu` and `cpu`.

    vela adds bytes of `sram` and `cycles`, milliseconds per inference, and why operators stay on the CPU.
    """

    name: str
    data: bytes
    reports: Mapping[str, bytes]
    tools: Mapping[str, str]
    facts: Mapping[str, int]
    milliseconds: float = 0.0
    reasons: tuple[str, ...] = ()


def run_vela(file: File, compiler: Compiler) -> Compilation:
    """Compile a file with vela. MissingExtraError without it; other errors as `_run`.

    Only its reports count: the exit code is 0 even if all stays on the CPU or the SRAM does not suffice.
    """
    if importlib.util.find_spec("ethosu") is None:
        raise MissingExtraError(*EXTRAS["ethosu"])
    name, layers = "model_vela.tflite", "model_per-layer.csv"
    argv = [sys.executable, "-P", "-m", "ethosu.vela", INPUT, *compiler.arguments]
    log, files = _run("vela", [*argv, "--output-dir", ".", "--verbose-performance"], file, name)
    summary = next(each for each in files if each.startswith("model_summary_"))
    figures = next(csv.DictReader(files[summary].decode().splitlines()))
    sram, cycles = float(figures["sram_memory_used"]) * 1024, float(figures["cycles_total"])
    counts = {processor.lower(): int(n) for processor, n in re.findall(r"(NPU|CPU) operators = (\d+)", log)}
    return Compilation(
        name=name, data=files[name], tools=model_folder.tools("ethos-u-vela"),
        reports={summary: files[summary], layers: files[layers], "vela.log": log.encode()},
        facts={"npu": 0, "cpu": 0, **counts, "sram": round(sram), "cycles": round(cycles)},
        milliseconds=1000 * float(figures["inference_time"]),
        reasons=tuple(dict.fromkeys(f"{operator}: {reason}" for operator, _, reason in _refused(log))),
    )  # fmt: skip


def refusals(compiled: Compilation) -> list[tuple[str, str, str]]:
    """What vela left to the CPU: operator, name of its output, reason; more than one for one operator."""
    return _refused(compiled.reports["vela.log"].decode())


def _refused(log: str) -> list[tuple[str, str, str]]:
    return re.findall(r"operator: (\w+), ofm: '?(.*?)'?\nReason: (.*?)(?: \(\w+\))?\n", log)


def run_neutron(file: File, compiler: Compiler, tool: Path | None) -> Compilation:
    """Convert a file by the program `tool`, by the neutron-converter on the PATH, or by eiq-neutron-sdk.

    MissingDataError if there is none; other errors as `_run`.
    """
    name = "model_npu.tflite"
    argv, tools = _converter(compiler, name, tool)
    log, files = _run(compiler.name, argv, file, name)
    operators = parse(files[name], Path(name)).operators
    npu = operators.count("custom:NeutronGraph")
    return Compilation(
        name=name, data=files[name], reports={f"{compiler.name}.log": log.encode()}, tools=tools,
        facts={"npu": npu, "cpu": len(operators) - npu},
    )  # fmt: skip


def _converter(compiler: Compiler, output: str, tool: Path | None) -> tuple[list[str], dict[str, str]]:
    """The command that converts `INPUT`, and what it is."""
    program = shutil.which(tool.absolute() if tool else compiler.name)
    if program:
        path = Path(program).absolute()
        argv = [str(path), "--input", INPUT, "--output", output, *compiler.arguments]
        return argv, model_folder.tools() | {compiler.name: f"sha256 {digest_file(path)}"}
    if tool:
        raise MissingDataError(f"{tool}: not an executable; give --tool the path of {compiler.name}")
    if importlib.util.find_spec("eiq_neutron_sdk"):
        target = compiler.arguments[compiler.arguments.index("--target") + 1]
        return [sys.executable, "-P", "-c", SDK, INPUT, output, target], model_folder.tools("eiq-neutron-sdk")
    raise MissingDataError(f"{compiler.name} is not on the PATH: {compiler.offered}; or give --tool PATH")


def _run(name: str, argv: Sequence[str], file: File, output: str) -> tuple[str, dict[str, bytes]]:
    """Run `argv`, isolated, beside `INPUT`, a copy of the file. Returns its log, and the files by name.

    BadFileError if it does not write `output`; EyespotError if there is no space for temporary files; other
    errors as `eyespot.isolation.command`.
    """
    where = f"{file.path}: {name}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / INPUT).write_bytes(file.data)
            done = isolation.command(argv, cwd=Path(folder), seconds=SECONDS, memory=MEMORY, name=where)
            files = {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}
        if done.returncode and (full := os.strerror(errno.ENOSPC)) in done.stdout:
            raise OSError(errno.ENOSPC, full)
    except OSError as error:
        raise not_written(Path(tempfile.gettempdir()), error) from error
    log = "".join(each for each in done.stdout if each.isprintable() or each == "\n")
    last = (log.strip().splitlines() or [f"exit code {done.returncode}" if done.returncode else "it wrote nothing"])[-1]
    if done.returncode == USAGE and (said := re.search(r"error: (argument .*|unrecognized .*)", last)):
        raise ToolStartError(f"{name} does not take its arguments: {said[1]}")
    if "Traceback" in log and "Compilation failed" not in log:  # which is how vela refuses a file
        raise ToolCrashedError(f"{where} crashed: {last}")
    if done.returncode or output not in files:
        raise BadFileError(f"{where} refuses it: {last}")
    return log, files
