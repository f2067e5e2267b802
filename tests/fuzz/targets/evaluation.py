"""A measured accuracy in the folder of results."""

from __future__ import annotations

import json
from collections.abc import Iterator

from eyespot import decoding
from eyespot.artifacts import places
from eyespot.artifacts.measurements import Evaluation
from eyespot.reports.terminal import rendered
from fuzzing import file, refusals
from json_mutation import mutate as mutate

SHIPPED = places.MEASUREMENTS / "visual-wake-word.int8.vww.test.xnnpack.json"


def seeds() -> Iterator[bytes]:
    yield SHIPPED.read_bytes()
    yield json.dumps(json.loads(SHIPPED.read_bytes()) | {"top5": 1.0, "under": "blur"}).encode()


def one(data: bytes) -> None:
    """Its numbers agree with each other, and are shown."""
    path = file(data, "measured.json")
    with refusals():
        shown = decoding.read(Evaluation, path, "Delete it")
        assert 0 <= shown.low <= shown.top1 + 1e-9 <= shown.high + 2e-9 <= 1 + 1e-8
        assert abs(shown.top1 - shown.correct / shown.n) < 1e-8
        assert shown.top5 is None or shown.top1 <= shown.top5 <= 1
        assert len({i for i, *_ in shown.confusion}) == len(shown.per_class)
        rendered(shown)
