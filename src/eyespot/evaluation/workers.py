"""The evaluation's workers, to be started before anything heavy is imported here."""

from __future__ import annotations

from eyespot.isolation import Pool

MEMORY = 4 << 30  # bytes: an image of 65 million pixels takes one
PRELOAD = ("eyespot.evaluation.job", "eyespot.data.files", "ai_edge_litert.interpreter")


def start(processes: int | None = None) -> Pool:
    """Workers that import what they need while their parent looks up the file and the data."""
    return Pool(processes, preload=PRELOAD, memory=MEMORY, name="the evaluation")
