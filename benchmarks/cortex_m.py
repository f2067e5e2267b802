"""The C export on an emulated Cortex-M: instructions for a frame, and RAM.

    python benchmarks/cortex_m.py [MODEL]

qemu counts an instruction as 1 ns (-icount shift=0), and SysTick in ticks of the board's clock. A loop of known length
checks the count. tests/test_cortex_m.py runs the same programs. Needs gcc-arm-none-eabi, libnewlib-arm-none-eabi and
qemu-system-arm.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eyespot.devices.host import HostMeasurements
from eyespot.escaping import c_name
from eyespot.exports.c import named, write_c
from eyespot.exports.camera import FORMATS, Camera
from eyespot.tflite.run import contract_of
from eyespot.zoo import registry

TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm")
SOURCES = ("model.c", "preprocess.c", "decide.c", "golden.c")
HARNESS = Path(__file__).with_name("cortex_m")
LOOP = 1_000_000  # turns of two instructions each


@dataclass(frozen=True)
class Board:
    """An emulated board: its core, and the nanoseconds (instructions) of a tick of SysTick."""

    name: str
    core: str
    tick: float


BOARDS = {"cortex-m4": Board("mps2-an386", "cortex-m4", 40.0), "cortex-m55": Board("mps3-an547", "cortex-m55", 31.25)}


def build(board: Board, sources: Sequence[Path], folder: Path, *flags: str) -> Path:
    """A program for a board, of sources with a `main`, at -O2."""
    program = folder / f"{board.core}.elf"
    common = [f"-mcpu={board.core}", "-mthumb", "-std=c99", "-Wall", "-Wextra", "-Werror", "-O2", *flags]
    links = ["-nostartfiles", "--specs=nano.specs", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]
    script = ["-T", str(HARNESS / "link.ld"), "-Wl,--no-warn-rwx-segments"]
    files = map(str, [HARNESS / "start.c", *sources])
    run([TOOLS[0], *common, f"-I{HARNESS}", *links, *script, *files, "-lm", "-o", str(program)])
    return program


def emulate(board: Board, program: Path) -> list[str]:
    """The lines that a program prints. RuntimeError if it fails."""
    counting = ["-icount", "shift=0", "-semihosting-config", "enable=on,target=native"]
    silent = ["-nographic", "-monitor", "none", "-serial", "none"]
    printed = run([TOOLS[1], "-M", board.name, *silent, *counting, "-kernel", program])
    return printed.splitlines()


def run(words: Sequence[str | Path]) -> str:
    """What a command prints. RuntimeError with its errors if it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise RuntimeError(f"{words[0]}: {done.stderr}{done.stdout}")
    return done.stdout + done.stderr


def instructions(board: Board, line: str) -> int:
    """Of a line "name: N ticks"."""
    return round(int(re.search(r": (\d+) ticks$", line)[1]) * board.tick)  # type: ignore[index]


def ram(board: Board, folder: Path) -> int:
    """Bytes of static data and of stack that the preprocessing takes, without the frame and the input tensor."""
    with tempfile.TemporaryDirectory() as temporary:
        compiled = Path(temporary) / "preprocess.o"
        flags = [f"-mcpu={board.core}", "-mthumb", "-O2", "-fstack-usage", "-c"]
        run([TOOLS[0], *flags, folder / "preprocess.c", "-o", compiled])
        data, bss = run(["arm-none-eabi-size", compiled]).splitlines()[1].split()[1:3]
        stacks = [int(line.split("\t")[1]) for line in compiled.with_suffix(".su").read_text().splitlines()]
    return int(data) + int(bss) + sum(stacks)


def measure(board: Board, exported: Path, name: str, folder: Path) -> tuple[int, int]:
    """Instructions of the loop and of a frame, whose preprocessing was found right."""
    frame = [HARNESS / "frame.c", *(exported / source for source in SOURCES)]
    flags = [f"-I{exported}", f"-DLOOP={LOOP}", f"-DNAME={c_name(name)}", f"-DCAPITALS={c_name(name).upper()}"]
    loop, right, counted = emulate(board, build(board, frame, folder, *flags))
    assert right == "the preprocessing is right", right
    return instructions(board, loop), instructions(board, counted)


def main() -> None:
    """Print the table, for all formats of a camera of 320 x 240."""
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        sys.exit(f"not installed: {', '.join(missing)}")
    source, file = registry.open_model(sys.argv[1] if len(sys.argv) > 1 else "tiny-resnet")
    contract, host = named(contract_of(file), source, file), HostMeasurements(file=file)
    print("| core | camera | instructions a frame | RAM, bytes | loop of 2,000,000 counts |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        for core, board in BOARDS.items():
            for form in FORMATS:
                folder = Path(temporary) / form
                write_c(host, contract, folder, camera=Camera(width=320, height=240, format=form))
                loop, counted = measure(board, folder, contract.model, folder)
                print(f"| {core} | 320x240:{form} | {counted:,} | {ram(board, folder):,} | {loop:,} |")


if __name__ == "__main__":
    main()
