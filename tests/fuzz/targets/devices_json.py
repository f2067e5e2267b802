"""The findings on a model's file on all devices, in the folder of results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite

from eyespot import decoding
from eyespot.artifacts import places
from eyespot.artifacts.measurements import Compatibility
from eyespot.reports.terminal import rendered
from fuzzing import file, refusals
from json_mutation import mutate as mutate


def seeds() -> Iterator[bytes]:
    devices = json.loads((places.MEASUREMENTS / "tiny-resnet.devices.json").read_bytes())
    yield from (json.dumps([each]).encode() for each in devices)


def one(data: bytes) -> None:
    path = file(data, "measured.json")
    with refusals():
        for shown in decoding.read(tuple[Compatibility, ...], path, "Delete it"):
            for finding in shown.findings:
                for quantity in finding.quantities.values():
                    numbers = [quantity.value, quantity.low, quantity.high, quantity.n]
                    assert all(number is None or isfinite(number) for number in numbers)
            rendered(shown)
