"""How long `eyespot quantize mobilenet-v2` takes, against another checkout, in turns on one core.

    EYESPOT_DATA=... python benchmarks/quantize.py OTHER_CHECKOUT [ROUNDS]

Calibrated on 100 images of imagenet-like; both checkouts must write the same int8 file. Processor time is
what an idle machine would take.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent.parent
CALIBRATION = ("--calibration", "imagenet-like", "--images", "100")


def eyespot(checkout: Path, *words: str | Path) -> tuple[float, float]:
    """Processor and wall time in seconds of one command of a checkout in a fresh process."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(checkout / "src")}
    command = [sys.executable, "-m", "eyespot", *words]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return processor, time.perf_counter() - started


def main(other: Path, rounds: int) -> None:
    """Print the medians, their ratios, and whether the int8 files are the same."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "float32", {name: Path(folder) / name for name in ("other", "this")}
        eyespot(HERE, "convert", "mobilenet-v2", "--weights", "tf-slim-quantised", "--out", source)
        command = ("quantize", source, *CALIBRATION, "--out")
        times = [[eyespot(other, *command, out["other"]), eyespot(HERE, *command, out["this"])] for _ in range(rounds)]
        files = {(each / "int8.tflite").read_bytes() for each in out.values()}
    before, after = np.median(times, axis=0)
    for name, there, here in zip(("processor", "wall"), before, after, strict=True):
        print(f"{name:9}  {there:5.1f} s there, {here:5.1f} s here, {there / here:.1f} times as fast")
    print(f"medians of {rounds} rounds in turns; int8 files {'the same' if len(files) == 1 else 'DIFFER'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3)
