"""The work that operators are, for latencies that are fitted to published ones (benchmarks/latency.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from eyespot.tflite.operators import Operator

LANE = 4  # channels that an N1-16 reads and writes at a time: 4 pipelines of 4 multipliers


def multiply_adds(operator: Operator, lane: int = 1) -> int:
    """Of a convolution or a dense layer, else 0, its channels filled up to multiples of `lane`.

    A depthwise convolution has one channel a filter and uses one multiplier of a lane.
    """
    shapes = [t.shape for t in (*operator.at(1)[:1], *operator.outputs[:1])]
    if len(shapes) < 2 or not shapes[0] or not shapes[1]:
        return 0
    (weights, output), full = shapes, _filled(lane)
    if operator.name == "DEPTHWISE_CONV_2D":
        return prod(output) * prod(weights[1:-1]) * lane
    return prod(output[:-1]) * full(output[-1]) * prod(weights[1:-1]) * full(weights[-1])


def _filled(lane: int) -> Callable[[int], int]:
    return lambda channels: -(-channels // lane) * lane


WORK: dict[str, Callable[[Operator], int]] = {
    "operators": lambda _: 1,
    "multiply-adds": multiply_adds,
    "multiply-adds in lanes": lambda o: multiply_adds(o, LANE),
    "activation bytes": lambda o: sum(t.bytes or 0 for t in o.activations),
}


def work(operators: Sequence[Operator]) -> dict[str, int]:
    """How much there is of each kind of work in one inference."""
    return {"inferences": 1} | {kind: sum(map(count, operators)) for kind, count in WORK.items()}
