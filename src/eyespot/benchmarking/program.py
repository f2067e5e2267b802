"""What TensorFlow's and LiteRT's benchmark_model prints, in the forms that its versions since 2.3 have."""

from __future__ import annotations

import re
from typing import Any

NUMBER = r"([\d.e+]+)"
TIMINGS = re.compile(
    rf"Init: {NUMBER}, First inference: {NUMBER}, Warmup \(avg\): {NUMBER}, Inference \(avg\): {NUMBER}"
)
MEDIAN = re.compile(r"count=.* median=(\d+)")
PEAK = re.compile(r"[Oo]verall peak memory footprint \(MB\).*?([\d.]+)\s*$", re.M)
MEMORY = re.compile(r"footprint.* overall=([\d.]+)")
NODES = re.compile(r"Replacing (\d+) out of (\d+) node\(s\) with delegate \((?!TfLiteXNN)")
PROFILE = "Operator-wise Profiling Info for Regular Benchmark Runs"  # those of loading and of delegates are others


def figures(text: str, threads: int) -> dict[str, Any]:
    """The fields of a Latency; the program's are in microseconds and MB. ValueError if it printed no timings."""
    timings, counts = TIMINGS.search(text), re.findall(r"count=(\d+)", text)
    if not timings or len(counts) < 2:
        raise ValueError("benchmark_model printed no timings")
    load, first, warmup, mean = (float(each) / 1e3 for each in timings.groups())
    middle, nodes = MEDIAN.findall(text), NODES.search(text)
    megabytes = PEAK.search(text) or MEMORY.search(text)
    npu, cpu = (int(nodes[1]), int(nodes[2]) - int(nodes[1])) if nodes else (None, None)
    return {
        "threads": threads, "load": load, "first": first, "warmup_runs": int(counts[0]), "warmup": warmup,
        "runs": int(counts[-1]), "mean": mean, "median": float(middle[-1]) / 1e3 if middle else None,
        "memory": int(float(megabytes[1]) * 1e6) if megabytes else None, "npu_nodes": npu, "cpu_nodes": cpu,
        "throughput": 1e3 / mean if mean else None, "tool": "benchmark_model",
    }  # fmt: skip


def operators(text: str) -> list[dict[str, Any]]:
    """The fields of an OperatorTime for each row of the table "Run Order"; [] if it printed no profile."""
    table = text.partition(PROFILE)[2].partition(" Run Order =")[2].partition("\n\n")[0].splitlines()
    rows = [[cell.strip(" []") for cell in line.split("\t") if cell.strip()] for line in table if "\t" in line]
    found = (dict(zip(rows[0], row, strict=True)) for row in rows[1:] if len(row) == len(rows[0]))
    return [{"operator": each["node type"], "ms": float(each["avg ms"])} for each in found if "node type" in each]
