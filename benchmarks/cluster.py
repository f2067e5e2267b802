"""How much faster two nodes of one core are than one core here, once both have started.

python benchmarks/cluster.py [ROUNDS]

Needs CIFAR-10 under $EYESPOT_DATA, the extra `ray` and two idle cores. Ray runs on 127.0.0.1.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import numpy as np

from eyespot.data import catalogue
from eyespot.evaluation import engine, workers
from eyespot.evaluation.job import Job
from eyespot.evaluation.workers import Workers
from eyespot.tflite.kernels import Kernels
from eyespot.tflite.run import contract_of
from eyespot.zoo import registry

IMAGES = 10_000
NODE: dict[str, Any] = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "include_dashboard": False}
LOCAL = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}


@contextmanager
def two_nodes() -> Iterator[str]:
    """The address of a new cluster."""
    os.environ.update(LOCAL)
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args=NODE)
    try:
        cluster.add_node(**NODE)
        yield cluster.address
    finally:
        cluster.shutdown()


def seconds(job: Job, pool: Workers) -> tuple[float, Any]:
    """How long all images take, and the answers."""
    start = time.perf_counter()
    answers = engine.collect(engine.classify(job, IMAGES, pool))
    return time.perf_counter() - start, answers


def compare(kernels: Kernels, rounds: int, here: Workers, there: Workers) -> None:
    """Alternately on one core and on two nodes, so that other work on the machine disturbs both."""
    data = registry.dataset("cifar-10")
    file = registry.open_model("tiny-resnet")[1]
    job = engine.prepare(file, contract_of(file), catalogue.dataset(data.name), data.test, kernels)
    first = [seconds(job, pool) for pool in (here, there)]  # it starts what is not yet started
    for one, two in zip(first[0][1], first[1][1], strict=True):
        assert np.array_equal(one, two)
    times = [[seconds(job, pool)[0] for pool in (here, there)] for _ in range(rounds)]
    for one, two in times:
        print(f"{kernels}: {IMAGES:,} images: one core {one:.1f} s, two nodes {two:.1f} s, {one / two:.2f} times")
    print(f"{kernels}: median {median(one / two for one, two in times):.2f} times; load {os.getloadavg()[0]:.1f}")


def main(rounds: int = 5) -> None:
    """All of it."""
    with two_nodes() as address, workers.start(1) as here, workers.start_on(address) as there:
        compare("xnnpack", rounds, here, there)
        compare("reference", rounds, here, there)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
