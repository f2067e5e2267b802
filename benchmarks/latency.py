"""Latencies fitted to NXP's own measurements (mcxn947.json and imx93.json beside this file, with their sources).

    python benchmarks/latency.py [FOLDER]

Prints what devices/mcxn947.toml and devices/imx93.toml hold: the milliseconds that a unit of each kind of work takes,
the sum of squared relative errors being least, and the range. Then it leaves out each model, with all of its
measurements, and says whether the range around the prediction from the others holds them. With FOLDER, where the
source files lie by the names of the .json files (ad01.tflite, ...), the work of MCX N947 is counted in them again.

The ranges were set when the errors of the models left out were known. On i.MX 93 these were 0.72 to 1.22, but 2.26 of
the keyword spotter: its published 0.409 ms is about what its CPU takes (0.321 to 0.440 ms), and its command names the
delegate of another board. Other kinds of work were tried there, errors left out in brackets: vela's milliseconds
alone (0.77 to 8.3), with a constant (0.70 to 2.86), vela's NPU cycles and a constant (0.73 to 2.73), multiply-adds and
operators (0.60 to 3.75), a constant and bytes of weights (0.41 to 3.35). Larger networks,
whose files are not at hand, took 0.5 to 1.9 of the fit by the operations in NXP's table (FaceNet 0.60, YOLOv4-tiny
0.50, ResNet-50 0.56, MiDaS 0.57, YOLOv8n 1.06, CenterNet 1.9), so it ends at twice the largest model of the fit.
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

FOLDER = Path(__file__).parent


class Fit(NamedTuple):
    """A device's processor, the kinds of work, and the range: the prediction times `least` to times `most`."""

    device: str
    processor: str
    kinds: tuple[str, ...]
    least: float
    most: float


FITS = (
    Fit("mcxn947", "CPU", ("multiply-adds", "activation bytes"), 1 / 1.5, 1.5),
    Fit("mcxn947", "NPU", ("operators", "multiply-adds in lanes"), 1 / 1.9, 1.9),
    Fit("imx93", "NPU", ("inferences", "multiply-adds"), 1 / 1.5, 2.4),
)


class Measurement(NamedTuple):
    """A published latency of a model that is `work`."""

    model: str
    milliseconds: float
    work: Mapping[str, int]


def measurements(fit: Fit, data: Mapping[str, Any] | None = None) -> list[Measurement]:
    """NXP's, on the CPU or the NPU."""
    data = data or json.loads((FOLDER / f"{fit.device}.json").read_text())
    done = {each["name"]: each["work"].get(fit.processor) for each in data["files"]}
    rows = [each for each in data["latencies"] if each["processor"] == fit.processor]
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
    data = json.loads((FOLDER / "mcxn947.json").read_text())
    for each in data["files"]:
        path = folder / f"{each['name']}.tflite"
        found = operators(parse(path.read_bytes(), path))
        on_npu = [one for part in npu_parts(found, ruleset("neutron-mcxn947")) for one in part]
        each["work"] = {"CPU": work(found), "NPU": work(on_npu)}
    return data


def main() -> None:
    """Print the fits, and what they make of models left out."""
    again = {"mcxn947": counted(Path(sys.argv[1]))} if len(sys.argv) > 1 else {}
    for fit in FITS:
        known = measurements(fit, again.get(fit.device))
        cost = ", ".join(f"{kind} {value:.3e} ms" for kind, value in costs(known, fit.kinds).items())
        print(f"{fit.device}, {fit.processor}: {cost}")
        print(f"  least {fit.least:.3f}, most {fit.most} (x{fit.most / fit.least:.2f})")
        for each, ratio in left_out(known, fit.kinds):
            holds = "holds" if fit.least <= ratio <= fit.most else "does not hold"
            print(
                f"  {each.model:<18} {each.milliseconds:>8} ms, left out: {ratio:.2f} of the prediction, which {holds}"
            )


if __name__ == "__main__":
    main()
