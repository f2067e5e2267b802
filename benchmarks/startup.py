"""How long `eyespot --help` and `eyespot list` take to answer, and which frameworks they import.

python benchmarks/startup.py [ROUNDS]
"""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

FRAMEWORKS = ("torch", "ai_edge_litert", "litert_quantizer", "tflite_micro", "numpy")


def seconds(words: list[str]) -> float:
    """Wall time of one command in a fresh process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "eyespot", *words], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def imported(words: list[str]) -> list[str]:
    """The frameworks that a command imports."""
    command = [sys.executable, "-X", "importtime", "-m", "eyespot", *words]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    names = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in told.splitlines()}
    return [name for name in FRAMEWORKS if name in names]


def main(rounds: int) -> None:
    """A line for each command."""
    for words in (["--help"], ["list"], ["list", "--json"]):
        times = [seconds(words) for _ in range(rounds)]
        told = f"median {median(times):.3f} s of {rounds}, imports {imported(words)}"
        print(f"eyespot {' '.join(words)}: {told}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
