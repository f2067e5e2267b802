"""Latencies on MCX N947, fitted to NXP's own measurements (mcxn947.json beside this file, with their sources).

    python benchmarks/latency.py [FOLDER]

Prints what devices/mcxn947.toml holds: the milliseconds that a unit of each kind of work takes, the sum of
squared relative errors being least, and the range. Then it leaves out each model, with all of its measurements,
and says whether the range around the prediction from the others holds them. With FOLDER, where the source files lie
by the names of mcxn947.json (ad01.tflite, ...), the work is counted in them again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eyespot.devices.latency import work
from eyespot.devices.neutron import npu_parts
from eyespot.devices.rules import ruleset
from eyespot.tflite.operators import operators
from eyespot.tflite.read import parse

DATA = Path(__file__).with_name("mcxn947.json")
SPREAD = {"CPU": 1.5, "NPU": 1.9}  # the range is the prediction divided and multiplied by it
KINDS = {"CPU": ("multiply-adds", "activation bytes"), "NPU": ("operators", "multiply-adds in lanes")}


class Measurement(NamedTuple):
    """A published latency of a model that is `work`."""

    model: str
    milliseconds: float
    work: Mapping[str, int]


def measurements(processor: str, data: Mapping[str, Any] | None = None) -> list[Measurement]:
    """NXP's, on the CPU or the NPU."""
    data = data or json.loads(DATA.read_text())
    done = {each["name"]: each["work"][processor] for each in data["files"]}
    rows = [each for each in data["latencies"] if each["processor"] == processor]
    return [Measurement(each["model"], each["milliseconds"], done[each["model"]]) for each in rows]


def costs(known: Sequence[Measurement], kinds: Sequence[str]) -> dict[str, float]:
    """Milliseconds by kind of work, with the least sum of squared relative errors."""
    matrix = np.array([[each.work[kind] / each.milliseconds for kind in kinds] for each in known])
    scale = matrix.max(0)
    found = np.linalg.lstsq(matrix / scale, np.ones(len(known)), rcond=None)[0] / scale
    if (found <= 0).any():
        raise SystemExit(f"no cost may be negative: {dict(zip(kinds, found, strict=True))}")
    return dict(zip(kinds, map(float, found), strict=True))


def predicted(cost: Mapping[str, float], each: Measurement) -> float:
    """Milliseconds."""
    return sum(value * each.work[kind] for kind, value in cost.items())


def left_out(known: Sequence[Measurement], kinds: Sequence[str]) -> list[tuple[Measurement, float]]:
    """Each measurement by its prediction from those of other models."""
    others = {m.model: [each for each in known if each.model != m.model] for m in known}
    return [(m, m.milliseconds / predicted(costs(others[m.model], kinds), m)) for m in known]


def counted(folder: Path) -> dict[str, Any]:
    """mcxn947.json with the work counted again in the files."""
    data = json.loads(DATA.read_text())
    for each in data["files"]:
        path = folder / f"{each['name']}.tflite"
        found = operators(parse(path.read_bytes(), path))
        on_npu = [one for part in npu_parts(found, ruleset("neutron-mcxn947")) for one in part]
        each["work"] = {"CPU": work(found), "NPU": work(on_npu)}
    return data


def main() -> None:
    """Print the fits, and what they make of models left out."""
    data = counted(Path(sys.argv[1])) if len(sys.argv) > 1 else None
    for processor, kinds in KINDS.items():
        known, spread = measurements(processor, data), SPREAD[processor]
        print(f"{processor}: " + ", ".join(f"{kind} {value:.3e} ms" for kind, value in costs(known, kinds).items()))
        print(f"  least {1 / spread:.3f}, most {spread} (x{spread**2:.2f})")
        for each, ratio in left_out(known, kinds):
            holds = "holds" if 1 / spread <= ratio <= spread else "does not hold"
            print(
                f"  {each.model:<6} {each.milliseconds:>8} ms, left out: {ratio:.2f} of the prediction, which {holds}"
            )


if __name__ == "__main__":
    main()
