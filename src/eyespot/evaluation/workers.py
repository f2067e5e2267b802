"""The evaluation's workers, to be started before anything heavy is imported here."""

from __future__ import annotations

from eyespot.evaluation.cluster import Cluster
from eyespot.isolation import Pool

MEMORY = 4 << 30  # bytes: an image of 65 million pixels takes one
PRELOAD = ("eyespot.evaluation.job", "eyespot.data.files", "ai_edge_litert.interpreter")

Workers = Pool | Cluster


def start(processes: int | None = None) -> Pool:
    """Workers that import what they need while their parent looks up the file and the data."""
    return Pool(processes, preload=PRELOAD, memory=MEMORY, name="the evaluation")


def start_on(cluster: str | None, processes: int | None = None) -> Workers:
    """The same on the nodes of a cluster, or here if it is None."""
    return start(processes) if cluster is None else Cluster(cluster, preload=PRELOAD, memory=MEMORY)
