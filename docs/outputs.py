"""Runs the commands of the documents' `console` blocks and writes what they print below them.

python docs/outputs.py            run all of them and write their output
python docs/outputs.py --check    exit with 1 if a command fails, or prints something else than the page shows

The pages are run in the order of PAGES, in one folder that `desk` lays out, so that a later page finds what an
earlier one made. $EYESPOT_DATA must hold the real data; a page sees only the data sets that it names.

A block whose title is in MARKS is never run: its commands need what no test has. A block with the title VARIES prints
numbers that depend on the machine, so only the words are compared, and a tenth of them may differ: a hint, for
example. An output that ends in `...` is cut there. Blocks of Python that start with an import are run too; that they
succeed is all that is asked.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES: dict[str, tuple[str, ...]] = {  # the data sets that each page's commands may use
    "README.md": (),
    "docs/start.md": (),
    "docs/fine-tuning.md": (),
    "docs/inspect.md": (),
    "docs/choose.md": (),
    "docs/my-file.md": ("cifar-10",),
    "docs/devices-howto.md": (),
    "docs/npu.md": (),
    "docs/microcontroller.md": (),
    "docs/linux-board.md": (),
    "docs/quantize-well.md": (),
    "docs/confidence.md": (),
    "docs/site.md": (),
    "docs/browser.md": (),
    "docs/report.md": (),
    "docs/doctor.md": ("cifar-10",),
    "docs/verify.md": (),
    "docs/bench.md": (),
    "docs/contract.md": (),
    "docs/api.md": (),
    "docs/reproduce.md": ("cifar-10",),
}
MARKS = ("needs a board", "needs an account", "needs a GPU", "needs a cluster", "needs the network", "takes hours")
VARIES = "your numbers may differ"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]*)")?\n(.*?)^```$', re.M | re.S)
NUMBER = re.compile(r"[0-9a-f]{12,}|\d[\d,.]*|█+")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, its title and its text."""

    language: str
    title: str
    text: str

    def commands(self) -> list[tuple[str, list[str]]]:
        """The commands of a `console` block, each with the lines that the page shows as its output."""
        parts = re.split(r"^\$ ", self.text, flags=re.M)[1:]
        lines = [part.rstrip("\n").split("\n") for part in parts]
        return [(first, rest) for first, *rest in lines]


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page."""
    return [Block(*match) for match in BLOCK.findall(text)]


def main(*, check: bool) -> int:
    """Run every page; write what changed, or only list it."""
    source, stale = Path(os.environ["EYESPOT_DATA"]).resolve(), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "me"
        environment = desk(folder, source)
        for page, data in PAGES.items():
            print(page, flush=True)
            provide(folder.parent / "data", source, data)
            text = (ROOT / page).read_text("utf-8")
            run = current(text, folder, environment, least=0.9 if check else 1.0)
            stale += run != text
            if run != text and not check:
                (ROOT / page).write_text(run, "utf-8")
    return int(check and stale > 0)


def desk(folder: Path, source: Path) -> dict[str, str]:
    """Lay out the reader's folder; returns the environment of the commands.

    `photo.jpg` is an airliner of the data set imagenet-like, `my-pictures` four classes of Imagenette,
    `my-model.tflite` the shipped int8 file, `resnet.tflite` MLPerf Tiny's int8 file, `serial.log` what a board printed
    that swaps red and blue and is a row late, and `from-the-board` the tensors of a port that swaps red and blue.
    """
    folder.mkdir()
    shutil.copy(source / "imagenet-like/images/1df5e1adad21d618.jpg", folder / "photo.jpg")
    shutil.copy(ROOT / "src/eyespot/zoo/tiny-resnet/int8.tflite", folder / "my-model.tflite")
    shutil.copy(source / "published/pretrainedResnet_quant.tflite", folder / "resnet.tflite")
    classes = {"church": 3028079, "garbage-truck": 3417042, "golf-ball": 3445777, "parachute": 3888257}
    for name, wordnet in classes.items():
        (folder / "my-pictures" / name).mkdir(parents=True)
        for path in sorted((source / "imagenette/imagenette2-224").glob(f"*/n{wordnet:08d}/*.JPEG")):
            shutil.copy(path, folder / "my-pictures" / name)
    (folder / "photos").mkdir()
    for name in sorted(classes):
        first = min((folder / "my-pictures" / name).iterdir())
        first.rename(folder / "photos" / f"{name}.jpg")
    dumps(folder)
    bin_folder = folder.parent / "bin"
    bin_folder.mkdir()
    for name, module in (("eyespot", "-m eyespot"), ("python3", "")):
        (bin_folder / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {module} "$@"\n', "utf-8")
        (bin_folder / name).chmod(0o755)
    path = f"{bin_folder}:{os.environ['PATH']}"
    places = {"EYESPOT_DATA": str(folder.parent / "data"), "PYTHONPATH": str(ROOT / "src"), "PATH": path}
    return {**os.environ} | places | {"COLUMNS": "92", "NO_COLOR": "1"}


def dumps(folder: Path) -> None:
    """What a board with mistakes would dump, in `serial.log` and `from-the-board`; see `desk`."""
    import numpy as np
    from PIL import Image

    from eyespot.preprocessing.synthetic import GOLDEN, picture
    from eyespot.tflite.read import read
    from eyespot.tflite.run import open_runner

    photo = Image.open(folder / "photo.jpg").convert("RGB").resize((32, 32), Image.Resampling.BILINEAR)
    seen = np.roll(np.asarray(photo, np.int16)[..., ::-1] - 128, 1, axis=0)
    lines = (" ".join(map(str, row)) for row in seen.reshape(-1, 16))
    (folder / "serial.log").write_text("tensor:\n" + "\n".join(lines) + "\n", "utf-8")
    run = open_runner(read(folder / "my-model.tflite"), "reference")
    (folder / "from-the-board").mkdir()
    for index in range(GOLDEN):
        swapped = (picture(index, 32, 32, 3)[..., ::-1].astype(np.int16) - 128).astype(np.int8)
        (folder / f"from-the-board/{index}.input.bin").write_bytes(swapped.tobytes())
        (folder / f"from-the-board/{index}.output.bin").write_bytes(np.asarray(run(swapped)).tobytes())


def provide(root: Path, source: Path, data: tuple[str, ...]) -> None:
    """Let the data root show the named data sets and no others."""
    root.mkdir(exist_ok=True)
    for link in root.iterdir():
        if link.is_symlink():
            link.unlink()
    for name in data:
        (root / name).symlink_to(source / name)


def current(text: str, folder: Path, environment: dict[str, str], least: float) -> str:
    """A page with what its commands print now; where numbers vary, only if fewer words than `least` are the same."""

    def fresh(match: re.Match[str]) -> str:
        block = Block(*match.groups(""))
        if block.language == "python" and block.text.startswith(("import ", "from ")):
            output(f"python3 -c {shlex.quote(block.text)}", [], folder, environment)
        if block.language != "console" or block.title in MARKS:
            return match[0]
        shown = [output(command, lines, folder, environment) for command, lines in block.commands()]
        same = block.title == VARIES and alike("\n".join(shown), block.text, least)
        body = block.text if same else "\n".join(shown) + "\n"
        if body != block.text:
            print(f"  expected:\n{block.text}  found:\n{body}")
        return match[0].replace(block.text, body) if block.text else match[0]

    return BLOCK.sub(fresh, text)


def output(command: str, shown: list[str], folder: Path, environment: dict[str, str]) -> str:
    """A command and what it prints; cut where the page cuts it."""
    done = subprocess.run(
        ["bash", "-c", program(command)],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=1200,
    )  # fmt: skip
    text = done.stdout + (done.stderr if done.returncode else "")
    lines = [line.rstrip() for line in text.replace(f"{folder}/", "").strip("\n").split("\n")]
    if done.returncode and not any(line.startswith("eyespot: ") for line in shown):
        raise SystemExit(f"{command}: exit code {done.returncode}\n{text}")
    if shown and shown[-1] == "...":
        lines = [*lines[: len(shown) - 1], "..."]
    return "\n".join([f"$ {command}", *lines]).rstrip("\n")


def program(command: str) -> str:
    """What the shell runs: for `make run` the line of the Makefile, which starts the environment's eyespot."""
    if command != "make run":
        return command
    [line] = re.findall(r"^run:.*\n\t(.*)$", (ROOT / "Makefile").read_text("utf-8"), re.M)
    line = line.replace("$(BIN)", ".venv/bin")
    return f"echo {shlex.quote(line)}; {line.replace('.venv/bin/', '')}"


def alike(one: str, other: str, least: float = 0.9) -> bool:
    """Whether this share of the words of two texts is the same, numbers aside."""
    return SequenceMatcher(None, words(one), words(other), autojunk=False).ratio() >= least


def words(text: str) -> list[str]:
    """A text without its numbers and spaces."""
    return NUMBER.sub("#", text).split()


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv))
