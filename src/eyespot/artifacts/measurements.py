"""Measurements: their nouns, and the files that hold them, the user's own before the shipped ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from eyespot.artifacts import places
from eyespot.artifacts.atomic import write_json
from eyespot.errors import BadFileError
from eyespot.nouns import Noun
from eyespot.preprocessing.spec import Damage
from eyespot.quantity import Kind
from eyespot.tflite.kernels import Kernels

Status = Literal["ok", "partial", "fails", "unknown"]
Decides = Literal["runs", "npu", "both", "nothing"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Evaluation(Noun):
    """A measured accuracy, with everything needed to measure it again.

    `low` and `high` bound top-1's 95 % interval (Wilson); `confusion` counts, as (i, j, images),
    images of class i that were called j; `per_class` is each class's recall; `top5` is None up to 20 classes.
    `under` names the damage (`eyespot.preprocessing.damage`) that was done to every image first.
    """

    model: str
    precision: str
    artifact: str
    data: str
    split: str
    data_digest: str
    n: int
    correct: int
    top1: float
    low: float
    high: float
    top5: float | None
    per_class: Mapping[str, float]
    confusion: tuple[tuple[int, int, int], ...]
    kernels: Kernels
    tools: Mapping[str, str]
    command: str
    under: Damage | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Finding(Noun):
    """One check of one file on one device, and how far its answer can be trusted.

    `decides` names the verdicts that it counts for; estimates and quoted numbers count for none.
    """

    check: str
    status: Status
    value: str
    kind: Kind
    tool: str
    source: str
    reason: str
    advice: str = ""
    decides: Decides = "nothing"


@dataclass(frozen=True, kw_only=True, repr=False)
class Verdict(Noun):
    """`status` and why."""

    status: Status
    reason: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Compatibility(Noun):
    """A file on a device: does it run at all, and does all of it run on the NPU (None: there is none)."""

    device: str
    file: str
    runs: Verdict
    npu: Verdict | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Accuracy(Noun):
    """An evaluation and whether it was measured now, shipped, or made on another build."""

    evaluation: Evaluation
    origin: str


def own() -> Path:
    """The folder of the user's own measurements."""
    return places.data_root() / "results"


def save(evaluation: Evaluation, folder: Path) -> Path:
    """Write an evaluation under a name that the same measurement gets again."""
    e = evaluation
    parts = (e.model, e.precision, e.data, e.split, e.kernels, *([e.under] if e.under else []))
    return write_json(folder / f"{'.'.join(parts)}.json", asdict(e))


def save_devices(model: str, found: tuple[Compatibility, ...], folder: Path) -> Path:
    """Write what `check` found of a model's int8 file on all devices."""
    return write_json(folder / f"{model}.devices.json", [asdict(c) for c in found])


def evaluations(model: str) -> tuple[Evaluation, ...]:
    """All measurements of a model, the user's own before the shipped ones."""
    return tuple(
        _evaluation(path) for path in _files(f"{model}.*.json") if not path.name.endswith(".devices.json")
    )


def first(name: str) -> Evaluation | None:
    """The evaluation in the file of that name, the user's own before the shipped one."""
    return next((_evaluation(path) for path in _files(name)), None)


def of_file(model: str, sha256: str) -> tuple[Evaluation, ...]:
    """Those measurements of a model that were made on this very file."""
    return tuple(e for e in evaluations(model) if e.artifact == sha256)


def compatibility(model: str) -> tuple[Compatibility, ...]:
    """What was found of a model's shipped int8 file on the devices; () where nothing was."""
    for path in _files(f"{model}.devices.json"):
        return tuple(_compatibility(entry) for entry in _read(path))
    return ()


def _files(pattern: str) -> Iterator[Path]:
    for folder in (own(), places.MEASUREMENTS):
        yield from sorted(folder.glob(pattern))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise BadFileError(
            f"{path}: is not a result of eyespot's ({error}); delete it and measure again"
        ) from error


def _evaluation(path: Path) -> Evaluation:
    fields = _read(path)
    try:
        confusion = tuple((i, j, images) for i, j, images in fields["confusion"])
        return Evaluation(**fields | {"confusion": confusion})
    except (TypeError, KeyError, ValueError) as error:
        raise BadFileError(
            f"{path}: is not a result of eyespot's ({error}); delete it and measure again"
        ) from error


def _compatibility(entry: dict[str, Any]) -> Compatibility:
    npu = entry["npu"]
    return Compatibility(
        device=entry["device"],
        file=entry["file"],
        runs=Verdict(**entry["runs"]),
        npu=Verdict(**npu) if npu else None,
        findings=tuple(Finding(**finding) for finding in entry["findings"]),
    )
