"""NXP's neutron-converter, which compiles for Neutron NPUs. NXP offers it; we ship nothing of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from eyespot.artifacts import sidecars
from eyespot.artifacts.atomic import digest_file, write
from eyespot.devices import compilers
from eyespot.devices.card import Compiler
from eyespot.errors import BadFileError, MissingDataError
from eyespot.tflite.read import File, parse

GRAPH = "custom:NeutronGraph"
CONVERTED = "model_npu.tflite"


def convert(file: File, compiler: Compiler, tool: Path | None, folder: Path) -> compilers.Compilation:
    """Convert a file, by the program `tool` or else by the one on the PATH.

    MissingDataError if there is none. BadFileError if it refuses the file; then its log is in `folder`.
    Other errors as `eyespot.isolation.command`.
    """
    converter = _located(compiler, tool)
    argv = [str(converter), "--input", compilers.INPUT, "--output", CONVERTED, *compiler.arguments]
    done = compilers.run(compiler.name, argv, file.data)
    name = f"{compiler.name}.log"
    if done.code or CONVERTED not in done.files:
        log = write(folder / name, done.log)
        raise BadFileError(
            f"{file.path}: {compiler.name} does not take it: {done.last_words}; its log is {log}"
        )
    operators = parse(done.files[CONVERTED], folder / CONVERTED).operators
    npu = operators.count(GRAPH)
    return compilers.Compilation(
        name=CONVERTED,
        data=done.files[CONVERTED],
        reports={name: done.log.encode()},
        tools=sidecars.tools() | {compiler.name: f"sha256 {digest_file(converter)}"},
        npu=npu,
        cpu=len(operators) - npu,
    )


def _located(compiler: Compiler, tool: Path | None) -> Path:
    """The converter: `tool`, or the one on the PATH."""
    program = str(tool) if tool else shutil.which(compiler.name)
    if program is None:
        raise MissingDataError(f"{compiler.name} is not on the PATH: {compiler.offered}; or give --tool PATH")
    if not (Path(program).is_file() and os.access(program, os.X_OK)):
        raise MissingDataError(f"{program}: not an executable; give --tool the path of {compiler.name}")
    return Path(program).absolute()
