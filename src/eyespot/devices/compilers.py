"""Compiling a file: isolated, on a copy that has a safe name, in a folder of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eyespot import isolation
from eyespot.errors import BadFileError, ToolCrashedError
from eyespot.tflite.read import File

INPUT = "model.tflite"  # what compilers write is called model_...
SECONDS = 900
MEMORY = 8 << 30


@dataclass(frozen=True, kw_only=True)
class Compilation:
    """A compiled file and the compiler's reports by name.

    `facts` counts the operators on the NPU (`npu`) and on the CPU (`cpu`); vela adds bytes of `sram` and
    `cycles`, the milliseconds of an inference, and why operators stay on the CPU.
    """

    name: str
    data: bytes
    reports: Mapping[str, bytes]
    tools: Mapping[str, str]
    facts: Mapping[str, int]
    milliseconds: float = 0.0
    reasons: tuple[str, ...] = ()


def run(name: str, argv: Sequence[str], file: File, output: str) -> tuple[str, dict[str, bytes]]:
    """Run `argv` beside `INPUT`, a copy of the file. Returns its log, and the files there by name.

    BadFileError if it does not write `output`; other errors as `eyespot.isolation.command`.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / INPUT).write_bytes(file.data)
        done = isolation.command(argv, cwd=Path(folder), seconds=SECONDS, memory=MEMORY, name=name)
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}
    log = "".join(each for each in done.stdout if each.isprintable() or each == "\n")
    last = (log.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    if "Traceback" in log and "Compilation failed" not in log:  # which is how vela refuses a file
        raise ToolCrashedError(f"{name} crashed: {last}")
    if done.returncode or output not in files:
        raise BadFileError(f"{file.path}: {name} refuses it: {last}")
    return log, files
