"""Fine-tuning as a user does it, with real commands: time and memory of each, then accuracies on other pictures.

    python benchmarks/own_folder.py [MODEL] [--images 100] [--classes 3] [--layers last] ...   --help has all; Linux

Pictures are the first of each class in CIFAR-10's training part; the test has 100 of each in its test part. The
network starts from weights that never saw them (tiny-resnet's own did). In development: --weights
tf-slim-quantised. An EYESPOT_DATA of its own makes each run decode its pictures again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from eyespot import evaluate
from eyespot.artifacts import places
from eyespot.data import catalogue

TESTED = 100  # pictures of each class


def write_folder(folder: Path, split: str, classes: int, images: int) -> None:
    """The first images of each class, as PNG."""
    card = catalogue.dataset("cifar-10")
    opened = catalogue.open_split(card, split)
    for label, name in enumerate(card.classes[:classes]):
        (folder / name).mkdir(parents=True)
        for i in (opened.labels == label).nonzero()[0][:images]:
            Image.fromarray(opened.read(int(i))).save(folder / name / f"{i}.png")


def run(words: list[str], environment: dict[str, str]) -> float:
    """Run `eyespot WORDS` and print what it took; the seconds."""
    started = time.monotonic()
    child = os.posix_spawn(sys.executable, [sys.executable, "-m", "eyespot", *words], environment)
    _, status, used = os.wait4(child, 0)
    if status:
        sys.exit(f"eyespot {' '.join(words)}: exit code {os.waitstatus_to_exitcode(status)}")
    seconds = time.monotonic() - started
    processor = used.ru_utime + used.ru_stime
    print(f"== {words[0]}: {seconds:.1f} s, {processor:.0f} s of processor, {used.ru_maxrss / 1e3:,.0f} MB", flush=True)
    return seconds


def data_root(place: Path) -> dict[str, str]:
    """An environment whose data root has the data and published files of this one, but decoded no pictures yet."""
    (place / "data").mkdir()
    for each in places.data_root().iterdir():
        if each.name != "cache":
            (place / "data" / each.name).symlink_to(each)
    return {**os.environ, "EYESPOT_DATA": str(place / "data")}


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="mobilenet-v2")
    parser.add_argument("--images", type=int, default=100, help="of each class")
    parser.add_argument("--classes", type=int, default=3)
    parser.add_argument("--layers", default="last")
    parser.add_argument("--weights")
    parser.add_argument("--rescue", action="store_true", help="quantize --rescue")
    parser.add_argument("--device", default="imx93")
    return parser.parse_args()


def main() -> None:
    """Run the commands and print all."""
    asked = arguments()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        mine, pictures, test = (str(place / each) for each in ("mine", "pictures", "test"))
        write_folder(Path(pictures), "train", asked.classes, asked.images)
        write_folder(Path(test), "test", asked.classes, TESTED)
        weights = ["--weights", asked.weights] if asked.weights else []
        commands = (
            ["train", asked.model, "--data", pictures, "--out", mine, "--layers", asked.layers, *weights],
            ["quantize", mine, *(["--rescue"] if asked.rescue else [])],
            ["evaluate", mine],
            ["make", mine, "--device", asked.device],
            ["report", mine, "--html"],
        )
        environment = data_root(place)
        total = sum(run(words, environment) for words in commands)
        print(f"== together {total:.1f} s: {asked.model}, {asked.classes} x {asked.images} pictures")
        for file in ("float32.tflite", "int8.tflite"):
            found = evaluate(str(Path(mine) / file), data=test)
            print(f"{file}: {found.top1:.3f} [{found.low:.3f}, {found.high:.3f}], n = {found.n}")


if __name__ == "__main__":
    main()
