"""The contract inside a .tflite file: whatever is read is what the JSON says, and in range."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from eyespot.errors import BadFileError
from eyespot.preprocessing.spec import Confidence, Contract, Preprocessing, Row
from eyespot.tflite import contract
from fuzzing import refusals
from json_mutation import mutate as mutate
from tflite_files import CONTRACT

OTHER = Preprocessing(height=8, width=9, order="bgr", crop=0.875, resize="bicubic", mean=(1, 2, 3), std=(4, 5, 6))
SURE = Confidence(temperature=1.5, rows=(Row(0.0, 10, 8), Row(0.75, 6, 5)))


def seeds() -> Iterator[bytes]:
    for each in (CONTRACT, replace(CONTRACT, preprocessing=OTHER), replace(CONTRACT, confidence=SURE)):
        model = SimpleNamespace(buffers=[], metadata=[])
        contract.write(model, each, {"verb": "convert", "inputs": {"weights": "0"}})
        yield bytes(model.buffers[0].data)


def one(data: bytes) -> None:
    entry = SimpleNamespace(name=contract.NAME, buffer=0)
    model = SimpleNamespace(metadata=[entry], buffers=[SimpleNamespace(data=np.frombuffer(data, np.uint8))])
    with refusals():
        try:
            read = contract.read(model)
        except (ValueError, RecursionError) as error:  # which `parse` makes a BadFileError of
            raise BadFileError(str(error)[:200] or "empty") from error
        assert read is not None
        _check_said(read, json.loads(data, object_pairs_hook=_no_twins))
        _check_range(read)
        again = SimpleNamespace(buffers=[], metadata=[])
        contract.write(again, read, {})
        assert contract.read(again) == read


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


def _same(found: Any, said: Any) -> bool:
    """Equal, and not by a conversion; a whole number may stand for a float."""
    if isinstance(found, tuple):
        return isinstance(said, list) and len(found) == len(said) and all(map(_same, found, said))
    if isinstance(found, float):
        return type(said) in {int, float} and math.isfinite(said) and found == said
    return type(found) is type(said) and found == said


def _check_said(read: Contract, content: dict[str, Any]) -> None:
    said, spec = content["contract"], read.preprocessing
    assert content.get("version", 1) in {1, 2, 3, 4}
    assert _same(read.model, said["model"])
    assert _same(read.classes, said["classes"])
    if "input" in said:
        fields = {"height": spec.height, "width": spec.width, "channels": spec.channels, "crop": spec.crop}
        fields |= {"mean": spec.mean[0], "std": spec.std[0]}
        assert (spec.resize, len(spec.mean), len(spec.std)) == ("bilinear", 1, 1)
        assert spec.order == {1: "gray", 3: "rgb"}[said["input"]["channels"]]
    else:
        names = ("height", "width", "order", "crop", "resize", "mean", "std")
        fields = {name: getattr(spec, name) for name in names}
    place = said["input" if "input" in said else "preprocessing"]
    assert set(place) == set(fields), place
    version = content.get("version")
    sure = {"confidence"} if version == 3 or (version == 4 and "confidence" in said) else set()
    logits = {"logits"} if version == 4 else set()
    assert set(said) == {"model", "classes", "input" if "input" in said else "preprocessing"} | sure | logits
    assert read.logits == bool(logits)
    assert (read.confidence is not None) == bool(sure)
    if read.confidence:
        assert set(said["confidence"]) == {"temperature", "rows"}
        assert _same(read.confidence.temperature, said["confidence"]["temperature"])
        assert _same(read.confidence.rows, said["confidence"]["rows"])
    for name, found in fields.items():
        assert _same(found, place[name]), (name, found, place[name])


def _check_range(read: Contract) -> None:
    spec = read.preprocessing
    assert 1 <= spec.height <= 8192
    assert 1 <= spec.width <= 8192
    assert spec.crop is None or 0 < spec.crop <= 1
    assert all(abs(each) <= 1e9 for each in spec.mean), spec
    assert all(1e-9 <= each <= 1e9 for each in spec.std), spec
    assert {len(spec.mean), len(spec.std)} <= {1, spec.channels}
    assert all(type(name) is str and name and name.encode() for name in (read.model, *read.classes))
    assert len(set(read.classes)) == len(read.classes) > 0
    if read.confidence:
        rows = read.confidence.rows
        assert 0.05 <= read.confidence.temperature <= 20
        assert 1 <= len(rows) <= 32
        assert all(0 <= row.threshold <= 1 and 0 <= row.correct <= row.answered for row in rows)
        assert [row.threshold for row in rows] == sorted({row.threshold for row in rows} | {0.0})
        assert [row.answered for row in rows] == sorted((row.answered for row in rows), reverse=True)
