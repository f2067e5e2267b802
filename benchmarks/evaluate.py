"""evaluate against bare `invoke()` calls: images/s on all cores once started, in turns in one run.

    EYESPOT_DATA=... python benchmarks/evaluate.py [ROUNDS]

Both sides use as many single-threaded processes as there are cores, on tiny-resnet's int8 file and
CIFAR-10's 10,000 test images. The bare side invokes the interpreter as often on one image, and nothing else.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from statistics import median
from typing import Any

from eyespot.data import catalogue
from eyespot.evaluation import engine
from eyespot.tflite.read import read
from eyespot.tflite.run import interpreter
from eyespot.zoo import registry

IMAGES = 10_000
_bare: Any = None


def open_bare(job: engine.Job) -> None:
    """Prepare a worker that invokes and does nothing else."""
    global _bare  # noqa: PLW0603
    _bare = interpreter(read(job.path), "xnnpack")


def invoke_span(span: tuple[int, int]) -> None:
    """As many invocations as the span has images."""
    for _ in range(*span):
        _bare.invoke()


def seconds(pool: ProcessPoolExecutor, work: Callable[[tuple[int, int]], object]) -> float:
    """Time for all images."""
    spans = [(start, start + engine.CHUNK) for start in range(0, IMAGES, engine.CHUNK)]
    started = time.perf_counter()
    for _ in pool.map(work, spans):
        pass
    return time.perf_counter() - started


def main(rounds: int) -> None:
    """Alternate both sides and print the medians and their ratio."""
    contract = registry.contract("tiny-resnet")
    path = registry.find("tiny-resnet")
    data = catalogue.dataset("cifar-10")
    job = engine.Job(path=path, data=data, split="test", kernels="xnnpack", contract=contract)
    context = multiprocessing.get_context("spawn")
    with (
        engine.pool(job) as ours,
        ProcessPoolExecutor(os.cpu_count(), context, open_bare, (job,)) as bare,
    ):
        seconds(ours, engine._classify_span), seconds(bare, invoke_span)  # started and warm
        pairs = [(seconds(ours, engine._classify_span), seconds(bare, invoke_span)) for _ in range(rounds)]
    ratio = median(b / o for o, b in pairs)
    rates = [IMAGES / median(side) for side in zip(*pairs, strict=True)]
    print(f"evaluate {rates[0]:,.0f} images/s, invoke {rates[1]:,.0f}/s; ratio {ratio:.3f} ({rounds} turns)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
