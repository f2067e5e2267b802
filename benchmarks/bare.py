"""What benchmarks/evaluate.py compares with; workers import it."""

from __future__ import annotations

from collections.abc import Callable

from eyespot.evaluation.job import Job, Span
from eyespot.tflite.run import interpreter


def open_bare(job: Job) -> Callable[[Span], None]:
    """A function that invokes as often as a span has images, and does nothing else."""
    opened = interpreter(job.file, job.kernels)

    def work(span: Span) -> None:
        for _ in range(*span):
            opened.invoke()

    return work
