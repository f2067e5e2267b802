"""TensorFlow Lite for Microcontrollers on this machine; it can abort its process."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eyespot.capture import captured
from eyespot.errors import BadFileError
from eyespot.tflite.kernels import Content
from eyespot.tflite.probe import probe

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
    """The arena by TFLM's recording allocator, of a file that it ran on a `probe`.

    BadFileError if it refuses the file; as `isolation.run`.
    """
    from eyespot import isolation

    if file.external_buffers:
        raise _external(file.path)
    memory, inputs = isolation.MEMORY + 8 * len(file.data), len(file.graph.inputs)
    return isolation.run(_arena, file.content, inputs, seconds=600, memory=memory, name="TFLM")


def open_tflm(file: Content) -> Run:
    """From an input tensor to the output, in this process, which can abort. BadFileError if TFLM refuses."""
    from eyespot.tflite.read import parse

    if parse(file.data, file.path).external_buffers:
        raise _external(file.path)
    opened = _interpreter(file)

    def run(tensor: NDArray[Any]) -> NDArray[Any]:
        opened.set_input(tensor[None], 0)
        opened.invoke()
        return np.asarray(opened.get_output(0)).reshape(-1)

    return run


def _external(path: Path) -> BadFileError:
    return BadFileError(f"{path}: has weights outside the flatbuffer, which TFLM reads wrongly")


def _arena(file: Content, inputs: int) -> Arena:
    """Of a file with so many inputs."""
    opened = _interpreter(file)
    with captured() as caught:
        opened.print_allocations()
    with _refusing(file):
        for place in range(inputs):
            detail = opened.get_input_details(place)
            opened.set_input(probe(detail["shape"], detail["dtype"]), place)
        opened.invoke()
    lines = re.findall(r"Arena allocation (total|head|tail) (\d+)", caught.text)
    return Arena(**{name: int(size) for name, size in lines})


def _interpreter(file: Content) -> Any:
    from tflite_micro import runtime

    with _refusing(file):
        return runtime.Interpreter.from_bytes(file.data, arena_size=ARENA_LIMIT)


@contextlib.contextmanager
def _refusing(file: Content) -> Iterator[None]:
    """BadFileError with TFLM's first words for its errors."""
    try:
        with captured() as caught:
            yield
    except (RuntimeError, ValueError) as error:
        words = caught.text.strip().splitlines() or [str(error)]
        raise BadFileError(f"{file.path}: TFLM refuses it: {words[0]}") from error
