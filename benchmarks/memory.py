"""Memory of evaluating 50,000 images against that of 500: the sum over all processes, at its peak.

python benchmarks/memory.py   Linux; needs no data
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from pathlib import Path

from PIL import Image

from eyespot import evaluate
from eyespot.data import catalogue
from eyespot.preprocessing.synthetic import picture

PICTURES = 100
PAUSE = 0.05  # seconds between looks


def write_folder(folder: Path, images: int) -> None:
    """A folder with labels.csv whose images are links to a hundred files."""
    (folder / "images").mkdir(parents=True)
    classes = catalogue.dataset("cifar-10").classes
    (folder / "classes.txt").write_text("\n".join(classes), "utf-8")
    for i in range(images):
        path = folder / "images" / f"{i}.png"
        if i < PICTURES:
            Image.fromarray(picture(i, 32, 32, 3)).save(path)
        else:
            os.link(folder / "images" / f"{i % PICTURES}.png", path)
    rows = "".join(f"{i}.png,{i % len(classes)}\n" for i in range(images))
    (folder / "labels.csv").write_text(f"file,class_index\n{rows}", "utf-8")


def family() -> list[int]:
    """The numbers of this process and of all that descend from it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # gone meanwhile
            continue
    found = [os.getpid()]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def memory() -> int:
    """Bytes that the family holds, what several share counted once (PSS)."""
    total = 0
    for pid in family():
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def peak_of_evaluating(folder: Path) -> tuple[int, int]:
    """The most memory at one time, and the images evaluated."""
    seen, done = [0], threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.append(memory())
            time.sleep(PAUSE)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        n = evaluate("tiny-resnet:float32", data=str(folder)).n
    finally:
        done.set()
        watcher.join()
    return max(seen), n


def main() -> None:
    """Print both peaks and their difference."""
    peaks = []
    for images in (500, 50_000):
        with tempfile.TemporaryDirectory() as place:
            write_folder(Path(place) / "images", images)
            peak, n = peak_of_evaluating(Path(place) / "images")
        peaks.append(peak)
        print(f"{n:,} images: {peak / 1e6:.0f} MB in {os.cpu_count()} workers and their parent")
    print(f"49,500 images more take {(peaks[1] - peaks[0]) / 1e6:.0f} MB more")


if __name__ == "__main__":
    main()
