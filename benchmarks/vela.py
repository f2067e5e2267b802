"""Arena, SRAM, cycles and sizes of our int8 files beside those of MLPerf Tiny and TF-slim.

    EYESPOT_DATA=... python benchmarks/vela.py

The published files lie under $EYESPOT_DATA/published. All are measured by the same functions in one run,
which writes docs/vela.json; docs/generate.py makes docs/vela.md of it. Prints ours over theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from eyespot.artifacts import places
from eyespot.artifacts.atomic import write_json
from eyespot.artifacts.model_folder import tools
from eyespot.devices import devices
from eyespot.devices.host import HostMeasurements
from eyespot.errors import BadFileError, EyespotError
from eyespot.tflite.read import File, read
from eyespot.zoo import registry
from eyespot.zoo.models import MODELS

R = TypeVar("R")

PAGE = Path(__file__).resolve().parents[1] / "docs" / "vela.json"
_MLPERF = "mlcommons/tiny, 1afd2c98"
_SLIM = "TF-slim, google-coral/test_data, 104342d2"
THEIRS = (
    ("tiny-resnet", _MLPERF, "pretrainedResnet_quant.tflite"),
    ("visual-wake-word", _MLPERF, "vww_96_int8.tflite"),
    ("mobilenet-v1", _SLIM, "mobilenet_v1_0.25_128_quant.tflite"),
    ("mobilenet-v2", _SLIM, "mobilenet_v2_1.0_224_quant.tflite"),
)
COMPARED = ("bytes", "arena", "sram", "cycles")


def measure(model: str, publisher: str, file: File) -> dict[str, Any]:
    """One row; what a tool refuses is None. The device is the first whose compiler is vela."""
    host = HostMeasurements(file=file)
    vela = _accepted(next(result for result in map(host.vela, devices()) if result))
    arena = _accepted(host.arena)
    return {
        "model": model,
        "publisher": publisher,
        "file": file.path.name,
        "sha256": file.sha256,
        "precision": file.precision,
        "bytes": len(file.data),
        "arena": arena and arena.total,
        **(vela.facts if vela else dict.fromkeys(("sram", "cycles", "npu", "cpu"))),
    }


def _accepted(result: R | EyespotError) -> R | None:
    """None if the tool refused the file; any other error is raised."""
    if isinstance(result, EyespotError) and not isinstance(result, BadFileError):
        raise result
    return None if isinstance(result, EyespotError) else result


def rows() -> Iterator[dict[str, Any]]:
    """Each network's row of ours, where it ships or was built here, then the publisher's."""
    theirs = {model: (publisher, name) for model, publisher, name in THEIRS}
    for model in dict.fromkeys([*theirs, *(card.name for card in MODELS)]):
        ours = registry.home(model) / "int8.tflite"
        if ours.exists():
            yield measure(model, "eyespot", read(ours))
        if model in theirs:
            publisher, name = theirs[model]
            yield measure(model, publisher, read(places.data_root() / "published" / name))


def ratios(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Ours over theirs, for each network that has both."""
    ours = {row["model"]: row for row in found if row["publisher"] == "eyespot"}
    for row in found:
        own = ours.get(row["model"])
        if own and own is not row:
            told = (f"{key} {own[key] / row[key]:.3f}" for key in COMPARED if own[key] and row[key])
            yield f"{row['model']} against {row['publisher']}: {', '.join(told)}"


def main() -> int:
    """Measure, write and compare."""
    try:
        found = list(rows())
    except EyespotError as error:
        print(error, file=sys.stderr)
        return 1
    packages = tools("ethos-u-vela", "tflite-micro")
    write_json(PAGE, {"rows": found, "tools": packages})
    print(*ratios(found), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
