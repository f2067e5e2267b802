"""A measured accuracy in the folder of results."""

from __future__ import annotations

import json
from collections.abc import Iterator

from eyespot import decoding
from eyespot.artifacts import places
from eyespot.artifacts.measurements import Evaluation
from fuzzing import file, refusals
from json_mutation import mutate as mutate

SHIPPED = places.MEASUREMENTS / "visual-wake-word.int8.vww.test.xnnpack.json"


def seeds() -> Iterator[bytes]:
    yield SHIPPED.read_bytes()
    yield json.dumps(json.loads(SHIPPED.read_bytes()) | {"top5": 1.0, "under": "blur"}).encode()


def one(data: bytes) -> None:
    path = file(data, "measured.json")
    with refusals():
        shown = decoding.read(Evaluation, path, "Delete it")
        assert 0 <= shown.low <= shown.top1 <= shown.high <= 1
        assert shown.top1 == shown.correct / shown.n
        assert shown.top5 is None or shown.top1 <= shown.top5 <= 1
        assert sum(times for *_, times in shown.confusion) == shown.n
        assert sum(times for i, j, times in shown.confusion if i == j) == shown.correct
        assert all(0 <= share <= 1 for share in shown.per_class.values())
        assert all(0 <= index < len(shown.per_class) for i, j, _ in shown.confusion for index in (i, j))
        str(shown)
