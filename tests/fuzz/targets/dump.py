"""A dump of an input tensor, in any form; the first byte decides the tensor's type."""

from __future__ import annotations

import io
from collections.abc import Iterator
from math import prod

import numpy as np

from eyespot.evaluation.dumps.read import read_dump, readings
from eyespot.tflite.read import Tensor
from fuzzing import file, refusals

TENSORS = [
    Tensor(name="x", shape=(1, 2, 2, channels), dtype=dtype, scale=1.0, zero_point=0)
    for dtype in ("int8", "uint8", "float32", "int16")
    for channels in (3, 1)
]


def seeds() -> Iterator[bytes]:
    numbers = np.arange(-6, 6)
    yield b"\0" + numbers.astype(np.int8).tobytes()
    yield b"\1boot\n[00:00:01] " + ", ".join(map(str, range(6))).encode() + b"\n00:02.5 -> 0x06 7 8 9 10 0xff;\nend\n"
    yield b"\2I (12) camera: {" + " ".join(map(str, numbers / 4)).encode() + b"}\nx[1] = 1e400f\n"
    yield b"\3" + bytes(range(8))  # RGB565, or a header
    for place, dtype in enumerate(("int8", "float64", "float32", ">u8", "float16")):
        buffer = io.BytesIO()
        np.save(buffer, numbers.astype(dtype))
        yield bytes([place]) + buffer.getvalue()


def one(data: bytes) -> None:
    tensor = TENSORS[data[0] % len(TENSORS) if data else 0]
    with refusals():
        for each in readings(read_dump(file(data[1:], "dump.bin")), tensor):
            assert each.numbers.shape == (prod(tensor.shape),)
            assert each.numbers.dtype == np.float32
            assert np.isfinite(each.numbers).all()
            assert each.stored or each.why
