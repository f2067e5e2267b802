"""The median of `eyespot bench` against a bare loop over LiteRT, in turns, same file and threads (bar: within 3 %).

python benchmarks/bench.py [MODEL [TURNS [SECONDS]]]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import eyespot
from eyespot.zoo import registry

LOOP = """
import sys, time, statistics
import numpy as np
from ai_edge_litert.interpreter import Interpreter
model = Interpreter(model_path=sys.argv[1], num_threads=int(sys.argv[2]))
model.allocate_tensors()
details = model.get_input_details()[0]
shape, dtype = details["shape"], details["dtype"]
values = np.random.default_rng(1).integers(-128, 128, shape) if dtype == np.int8 else np.random.random(shape)
model.set_tensor(details["index"], values.astype(dtype))
times, end = [], time.perf_counter() + 1.25 * float(sys.argv[3])
while time.perf_counter() < end:
    start = time.perf_counter()
    model.invoke()
    times.append(time.perf_counter() - start)
print(1000 * statistics.median(times[len(times) // 5 :]))
"""


def bare(path: Path, threads: int, seconds: float) -> float:
    """The median of a loop of ten lines, in ms."""
    command = [sys.executable, "-c", LOOP, str(path), str(threads), str(seconds)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main(model: str, turns: int, seconds: float) -> None:
    """Print the medians of all turns and how far they are apart."""
    path, cores = registry.find(model), min(4, os.cpu_count() or 1)
    ours: dict[int, list[float]] = {n: [] for n in range(1, cores + 1)}
    theirs: dict[int, list[float]] = {n: [] for n in ours}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EYESPOT_DATA"] = folder  # a trial is no measurement to keep
        for _ in range(turns):
            for latency in eyespot.bench(str(path), threads=cores, seconds=seconds).latencies:
                ours[latency.threads].append(latency.typical)
            for threads, times in theirs.items():
                times.append(bare(path, threads, seconds))
    print("benchmark_model:", shutil.which("benchmark_model") or "not installed")
    for threads, times in ours.items():
        bench, loop = median(times), median(theirs[threads])
        print(
            f"{model}, {threads} threads: bench {bench:.4f} ms, loop {loop:.4f} ms, {100 * (bench / loop - 1):+.1f} %"
        )


if __name__ == "__main__":
    given = [*sys.argv[1:], *("tiny-resnet", "5", "2")[len(sys.argv) - 1 :]]
    main(given[0], int(given[1]), float(given[2]))
