"""NXP's neutron-converter, which compiles for Neutron NPUs. NXP offers it; we ship nothing of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from eyespot.artifacts import sidecars
from eyespot.artifacts.atomic import digest_file
from eyespot.devices import compilers
from eyespot.devices.card import Compiler
from eyespot.errors import MissingDataError
from eyespot.tflite.read import File, parse

GRAPH, CONVERTED = "custom:NeutronGraph", "model_npu.tflite"


def convert(file: File, compiler: Compiler, tool: Path | None) -> compilers.Compilation:
    """Convert a file by the program `tool`, or the one on the PATH.

    MissingDataError if there is none; other errors as `compilers.run`.
    """
    converter = _located(compiler, tool)
    argv = [str(converter), "--input", compilers.INPUT, "--output", CONVERTED, *compiler.arguments]
    log, files = compilers.run(compiler.name, argv, file, CONVERTED)
    operators = parse(files[CONVERTED], Path(CONVERTED)).operators
    npu = operators.count(GRAPH)
    return compilers.Compilation(
        name=CONVERTED, data=files[CONVERTED], reports={f"{compiler.name}.log": log.encode()},
        tools=sidecars.tools() | {compiler.name: f"sha256 {digest_file(converter)}"},
        facts={"npu": npu, "cpu": len(operators) - npu},
    )  # fmt: skip


def _located(compiler: Compiler, tool: Path | None) -> Path:
    program = str(tool) if tool else shutil.which(compiler.name)
    if program is None:
        raise MissingDataError(f"{compiler.name} is not on the PATH: {compiler.offered}; or give --tool PATH")
    if not (Path(program).is_file() and os.access(program, os.X_OK)):
        raise MissingDataError(f"{program}: not an executable; give --tool the path of {compiler.name}")
    return Path(program).absolute()
