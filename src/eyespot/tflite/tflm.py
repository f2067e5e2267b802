"""TensorFlow Lite for Microcontrollers on this machine, isolated, as it can abort its process."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot import isolation
from eyespot.capture import captured
from eyespot.errors import BadFileError
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
    """The arena that a file needs, measured by TFLM's own recording allocator.

    BadFileError if TFLM refuses the file; other errors as `eyespot.isolation` says.
    """
    return _isolated(_arena, file)


def run_all(file: File, tensors: NDArray[Any]) -> NDArray[Any]:
    """Outputs (n, classes) for input tensors (n, h, w, c). Errors as `measure_arena`."""
    return _isolated(_outputs, file, tensors)


def open_tflm(file: File) -> Run:
    """A function from an input tensor to the output vector, in this process. BadFileError as above."""
    _refuse_external(file)
    return _runner(file.path, file.data)


def _isolated(function: Callable[..., Any], file: File, *args: Any) -> Any:
    _refuse_external(file)
    memory = isolation.MEMORY + 8 * len(file.data)
    return isolation.run(function, file.path, file.data, *args, seconds=600, memory=memory, name="TFLM")


def _refuse_external(file: File) -> None:
    if file.external_buffers:
        raise BadFileError(f"{file.path}: has weights outside the flatbuffer, which TFLM reads wrongly")


def _arena(path: Path, data: bytes) -> Arena:
    opened = _interpreter(path, data)
    with captured() as caught:
        opened.print_allocations()
    lines = re.findall(r"Arena allocation (total|head|tail) (\d+)", caught.text)
    return Arena(**{name: int(size) for name, size in lines})


def _outputs(path: Path, data: bytes, tensors: NDArray[Any]) -> NDArray[Any]:
    return np.stack(list(map(_runner(path, data), tensors)))


def _runner(path: Path, data: bytes) -> Run:
    opened = _interpreter(path, data)

    def run(tensor: NDArray[Any]) -> NDArray[Any]:
        opened.set_input(tensor[None], 0)
        opened.invoke()
        return np.asarray(opened.get_output(0)).reshape(-1)

    return run


def _interpreter(path: Path, data: bytes) -> Any:
    from tflite_micro import runtime

    try:
        with captured() as caught:
            return runtime.Interpreter.from_bytes(data, arena_size=ARENA_LIMIT)
    except (RuntimeError, ValueError) as error:
        said = caught.text.strip().splitlines() or [str(error)]
        raise BadFileError(f"{path}: TFLM does not take it: {said[0]}") from error
