"""A .tflite file that LiteRT runs in a worker: whatever that does, this process gets an answer or a clear error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

import tflite_files
from eyespot.errors import ToolDiedError
from eyespot.isolation import Pool
from eyespot.tflite.read import parse
from eyespot.tflite.run import checked, contract_of, encoder, open_runner, to_float
from fuzzing import refusals
from targets.tflite import mutate as mutate

SECONDS = 60
PICTURE = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)


def seeds() -> Iterator[bytes]:
    yield from (tflite_files.classifier(), tflite_files.classifier(tflite_files.FLOAT))


@cache
def _pool() -> Pool:
    """A worker for many inputs, until it dies."""
    return Pool(1, preload=("ai_edge_litert.interpreter",), seconds=10, memory=2 << 30, name="LiteRT")


def one(data: bytes) -> None:
    with suppress(ToolDiedError), refusals():
        file = parse(data, Path("x.tflite"))
        contract = contract_of(file)
        image = np.resize(PICTURE, contract.preprocessing.shape)
        tensor = encoder(file, contract)(image)
        try:
            [output] = _pool().open(open_runner, file.content, "xnnpack")([tensor])
        except BaseException:
            _pool().close()
            _pool.cache_clear()
            raise
        assert to_float(checked(file, output, len(contract.classes)), file.output).shape == (len(contract.classes),)
