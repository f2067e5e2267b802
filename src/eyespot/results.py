"""Measurements as files: those that ship, and the user's own under the data root, which come first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from eyespot import registry
from eyespot.artifact import write_json
from eyespot.cards import Compatibility, Damage, Evaluation, Finding, Verdict
from eyespot.errors import BadFileError


def own() -> Path:
    """The folder of the user's own measurements."""
    return registry.data_root() / "results"


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


def accuracy(model: str, precision: str, data: str | None = None) -> Evaluation | None:
    """The measurement that stands for a model: on its own data's test split, with LiteRT's own kernels."""
    card = registry.dataset(data or registry.model(model).data)
    name = f"{model}.{precision}.{card.name}.{card.test}.xnnpack.json"  # others are not even read
    return next((_evaluation(path) for path in _files(name)), None)


def robustness(model: str, data: str) -> dict[Damage, Evaluation]:
    """How an int8 file does on damaged images of a data set's test split, as far as it was measured."""
    card = registry.dataset(data)
    found = {
        each: _files(f"{model}.int8.{card.name}.{card.test}.xnnpack.{each}.json") for each in get_args(Damage)
    }
    return {each: _evaluation(path) for each, paths in found.items() if (path := next(paths, None))}


def of_file(model: str, sha256: str) -> tuple[Evaluation, ...]:
    """Those measurements of a model that were made on this very file."""
    return tuple(e for e in evaluations(model) if e.artifact == sha256)


def compatibility(model: str) -> tuple[Compatibility, ...]:
    """What was found of a model's shipped int8 file on the devices; () where nothing was."""
    for path in _files(f"{model}.devices.json"):
        return tuple(_compatibility(entry) for entry in _read(path))
    return ()


def _files(pattern: str) -> Iterator[Path]:
    for folder in (own(), registry.RESULTS):
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
        order = registry.dataset(fields["data"]).classes  # JSON has the names sorted
        recalls = {name: fields["per_class"][name] for name in order if name in fields["per_class"]}
        return Evaluation(**fields | {"confusion": confusion, "per_class": recalls})
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
