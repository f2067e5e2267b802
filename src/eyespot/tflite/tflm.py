"""TensorFlow Lite for Microcontrollers on this machine; it can abort its process."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eyespot.capture import captured
from eyespot.errors import BadFileError
from eyespot.tflite.kernels import Content

if TYPE_CHECKING:
    from eyespot.tflite.read import File

Run = Callable[[NDArray[Any]], NDArray[Any]]

ARENA_LIMIT = 64 << 20


@dataclass(frozen=True, kw_only=True)
class Arena:
    """Bytes that TFLM takes on a 64-bit host: activations and scratch (head), structures (tail)."""

    total: int
    head: int
    tail: int


def measure_arena(file: File) -> Arena:
    """The arena by TFLM's recording allocator. BadFileError if it refuses the file; as `isolation.run`."""
    from eyespot import isolation

    memory = isolation.MEMORY + 8 * len(file.data)
    return isolation.run(_arena, file.content, seconds=600, memory=memory, name="TFLM")


def open_tflm(file: Content) -> Run:
    """From an input tensor to the output, in this process, which can abort. BadFileError if TFLM refuses."""
    opened = _interpreter(file)

    def run(tensor: NDArray[Any]) -> NDArray[Any]:
        opened.set_input(tensor[None], 0)
        opened.invoke()
        return np.asarray(opened.get_output(0)).reshape(-1)

    return run


def _arena(file: Content) -> Arena:
    opened = _interpreter(file)
    with captured() as caught:
        opened.print_allocations()
    lines = re.findall(r"Arena allocation (total|head|tail) (\d+)", caught.text)
    return Arena(**{name: int(size) for name, size in lines})


def _interpreter(file: Content) -> Any:
    from tflite_micro import runtime

    from eyespot.tflite.read import parse

    if parse(file.data, file.path).external_buffers:
        raise BadFileError(f"{file.path}: has weights outside the flatbuffer, which TFLM reads wrongly")
    try:
        with captured() as caught:
            return runtime.Interpreter.from_bytes(file.data, arena_size=ARENA_LIMIT)
    except (RuntimeError, ValueError) as error:
        words = caught.text.strip().splitlines() or [str(error)]
        raise BadFileError(f"{file.path}: TFLM refuses it: {words[0]}") from error
