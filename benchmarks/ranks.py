"""How much faster two processes of one thread train than one, in turns, and whether their losses are the same.

python benchmarks/ranks.py [MODEL [WEIGHTS [ROUNDS [IMAGES]]]]

Fine-tunes all layers on IMAGES pictures of each of the first five classes of CIFAR-10, by the commands that a user
types. Needs CIFAR-10 under $EYESPOT_DATA and two idle cores. In development: mobilenet-v2 tf-slim-quantised.
"""

from __future__ import annotations

import csv
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from PIL import Image

from eyespot.data import catalogue

CLASSES, EPOCHS = 5, 2


def write_folder(folder: Path, images: int) -> None:
    """The first images of each class, as PNG."""
    opened = catalogue.open_split(catalogue.dataset("cifar-10"), "train")
    for label in range(CLASSES):
        (folder / str(label)).mkdir(parents=True)
        for i in (opened.labels == label).nonzero()[0][:images]:
            Image.fromarray(opened.read(int(i))).save(folder / str(label) / f"{i}.png")


def torchrun(processes: int) -> list[str]:
    """The words that start a command in so many processes, on 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    place = ["--master-addr", "127.0.0.1", "--master-port", port]
    return ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), *place]


def trained(words: list[str], out: Path) -> tuple[float, list[dict[str, str]], float]:
    """Images per second of all epochs, the epochs, and the seconds of the whole command."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *words, "--out", str(out)], check=True, capture_output=True)
    seconds = time.perf_counter() - started
    with (out / "run.csv").open(newline="") as file:
        epochs = list(csv.DictReader(file))
    return len(epochs) / sum(1 / float(each["images_per_second"]) for each in epochs), epochs, seconds


def main(model: str = "mobilenet-v2", weights: str = "", rounds: str = "3", images: str = "160") -> None:
    """In turns, so that other work on the machine disturbs both."""
    with tempfile.TemporaryDirectory() as place:
        pictures, ratios = Path(place) / "pictures", []
        write_folder(pictures, int(images))
        command = ["-m", "eyespot", "train", model, "--data", str(pictures), "--layers", "all"]
        command += ["--threads", "1", "--epochs", str(EPOCHS), *(["--weights", weights] if weights else [])]
        for number in range(int(rounds)):
            one, alone, whole = trained(command, Path(place) / f"one-{number}")
            two, both, half = trained([*torchrun(2), *command], Path(place) / f"two-{number}")
            ratios.append(two / one)
            apart = max(abs(float(a["loss"]) - float(b["loss"])) for a, b in zip(alone, both, strict=True))
            print(
                f"{model}: one process {one:.1f} images/s, two {two:.1f}: {two / one:.2f} times; losses differ by",
                end="",
            )
            print(f" {apart:.1e} at most; whole command {whole:.0f} s and {half:.0f} s", flush=True)
        print(f"median {median(ratios):.2f} times; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
