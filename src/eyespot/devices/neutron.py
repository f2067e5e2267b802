"""NXP's neutron-converter, which compiles for Neutron NPUs. NXP offers it; we ship nothing of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from eyespot.devices.card import Compiler
from eyespot.errors import BadFileError, MissingDataError
from eyespot.tflite.read import read_any

GRAPH = "custom:NeutronGraph"


@dataclass(frozen=True, kw_only=True)
class Converted:
    """A converted file, the converter's log, graphs on the NPU and operators left to the CPU."""

    file: Path
    log: Path
    npu: int
    cpu: int


def locate(compiler: Compiler, given: Path | None) -> Path:
    """The converter: `given`, or found on the PATH. MissingDataError says where it is to be had."""
    found = str(given) if given else shutil.which(compiler.name)
    if found is None:
        raise MissingDataError(f"{compiler.name} is not on the PATH: {compiler.offered}; or give --tool PATH")
    if not (Path(found).is_file() and os.access(found, os.X_OK)):
        raise MissingDataError(f"{found}: is no program; give --tool the path of {compiler.name}")
    return Path(found)


def convert(file: Path, compiler: Compiler, converter: Path, folder: Path) -> Converted:
    """Convert a .tflite file into `folder`. BadFileError where the converter refuses it."""
    folder.mkdir(parents=True, exist_ok=True)
    made, log = folder / f"{file.stem}_npu.tflite", folder / f"{compiler.name}.log"
    made.unlink(missing_ok=True)
    command = [str(converter.absolute()), "--input", str(file), "--output", str(made), *compiler.arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise MissingDataError(f"{converter}: does not start here: {error.strerror}") from error
    log.write_text(done.stdout + done.stderr, "utf-8")
    if done.returncode or not made.exists():
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise BadFileError(f"{file}: {compiler.name} does not take it: {said[-1]}; its log is {log}")
    operators = read_any(made).operators
    npu = operators.count(GRAPH)
    return Converted(file=made, log=log, npu=npu, cpu=len(operators) - npu)
