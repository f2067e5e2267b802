"""TensorFlow Lite for Microcontrollers on this machine, in processes of its own."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from eyespot.capture import captured
from eyespot.errors import BadFileError
from eyespot.tflite.read import File, read, read_any

if TYPE_CHECKING:
    from eyespot.tflite.run import Run

P = ParamSpec("P")
R = TypeVar("R")

ARENA_LIMIT = 64 << 20


@dataclass(frozen=True, kw_only=True)
class Arena:
    """Bytes that TFLM takes on a 64-bit host: activations and scratch (head), structures (tail)."""

    total: int
    head: int
    tail: int


def isolated(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a module-level function in a fresh process, as TFLM aborts the one that it runs in.

    BadFileError where the process dies.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return pool.submit(function, *args, **kwargs).result()
        except BrokenProcessPool as error:
            raise BadFileError("TensorFlow Lite for Microcontrollers aborted on this file") from error


def open_tflm(file: File) -> Run:
    """A function from an input tensor to the output vector. BadFileError where TFLM refuses the file."""
    opened = _interpreter(file)

    def run(tensor: NDArray[Any]) -> NDArray[Any]:
        opened.set_input(tensor[None], 0)
        opened.invoke()
        return np.asarray(opened.get_output(0)).reshape(-1)

    return run


def measure_arena(path: Path) -> Arena:
    """The arena that a file needs, measured by TFLM's own recording allocator; call it `isolated`."""
    file = read_any(path)
    opened = _interpreter(file)
    with captured() as caught:
        opened.print_allocations()
    lines = re.findall(r"Arena allocation (total|head|tail) (\d+)", caught.text)
    return Arena(**{name: int(size) for name, size in lines})


def run_all(path: Path, tensors: NDArray[Any]) -> NDArray[Any]:
    """Outputs (n, classes) of input tensors (n, h, w, c); call it `isolated`."""
    run = open_tflm(read(path))
    return np.stack([run(tensor) for tensor in tensors])


def _interpreter(file: File) -> Any:
    from tflite_micro import runtime

    if file.external_buffers:
        raise BadFileError(f"{file.path}: has weights outside the flatbuffer, which TFLM reads wrongly")
    try:
        with captured() as caught:
            return runtime.Interpreter.from_bytes(file.data, arena_size=ARENA_LIMIT)
    except (RuntimeError, ValueError) as error:
        said = caught.text.strip().splitlines() or [str(error)]
        raise BadFileError(f"{file.path}: TFLM does not take it: {said[0]}") from error
