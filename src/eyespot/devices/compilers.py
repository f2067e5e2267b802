"""Running a compiler: isolated, on a copy of the file that has a safe name, in a folder of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eyespot import isolation

INPUT = "model.tflite"  # what compilers write is called model_...
SECONDS = 900
MEMORY = 8 << 30


@dataclass(frozen=True, kw_only=True)
class Compilation:
    """A compiled file, the compiler's reports by name, and the operators on the NPU and on the CPU."""

    name: str
    data: bytes
    reports: Mapping[str, bytes]
    tools: Mapping[str, str]
    npu: int
    cpu: int

    @property
    def facts(self) -> dict[str, int]:
        """What the sidecar says of the file."""
        return {"npu": self.npu, "cpu": self.cpu}


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a compiler ended: its exit code, what it printed, and the files that it wrote, by name."""

    code: int
    log: str
    files: Mapping[str, bytes]

    @property
    def last_words(self) -> str:
        """The last line that it printed, or the exit code."""
        return (self.log.strip().splitlines() or [f"exit code {self.code}"])[-1]


def run(name: str, argv: Sequence[str], data: bytes) -> Run:
    """Run `argv` beside `INPUT`, which holds `data`. Errors as `eyespot.isolation.command`."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / INPUT).write_bytes(data)
        done = isolation.command(argv, cwd=Path(folder), seconds=SECONDS, memory=MEMORY, name=name)
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}
    log = "".join(each for each in done.stdout if each.isprintable() or each == "\n")
    return Run(code=done.returncode, log=log, files=files)
