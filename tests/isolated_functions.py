"""What test_isolation.py runs in workers."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.errors import BadFileError, ToolTimeError


@dataclass(frozen=True, kw_only=True)
class Arena:
    total: int
    share: float
    note: str | None


@dataclass(frozen=True, kw_only=True)
class Everything:
    nothing: None
    text: str
    data: bytes
    pair: tuple[int, str]
    names: dict[str, bool]
    arena: Arena
    levels: NDArray[np.int8]
    ranked: NDArray[np.int64]
    outputs: tuple[NDArray[np.float32], ...]


def everything() -> Everything:
    return Everything(
        nothing=None,
        text="süß",
        data=b"\0\xff",
        pair=(-1, ""),
        names={"a": True},
        arena=Arena(total=2**60, share=0.1, note=None),
        levels=np.arange(-6, 6, dtype=np.int8).reshape(3, 4)[:, ::2],
        ranked=np.argsort([[2, 1]]),
        outputs=(np.zeros((0, 3), np.float32), np.float32([[1.5]])),
    )


def nothing() -> None:
    return None


def mean(values: NDArray[Any]) -> float:
    return values.mean()  # a NumPy scalar


def add(a: int, b: int) -> int:
    return a + b


def zeros(size: int) -> NDArray[np.uint8]:
    return np.zeros(size, np.uint8)


def printed(size: int) -> str:
    print("x" * size)
    os.write(1, b"y" * size)
    os.system("echo z; cat")
    return sys.stdin.read()


def refuse() -> None:
    raise BadFileError("model.tflite: expected an int8 input,\nfound float32\x1b[2J. Quantize it.")


def time_out_inside() -> None:
    raise ToolTimeError("vela did not finish within 1 s")


def miss(module: str) -> None:
    sys.modules[module] = None  # type: ignore[assignment] # as if it were not installed
    __import__(module)


def fail() -> None:
    raise ValueError("two\nlines")


def leave() -> None:
    sys.exit("bye")


def exit_code(code: int) -> None:
    os._exit(code)


def segfault() -> None:
    os.write(2, b"reading tensors\n  node 3: out of bounds \n\n")
    ctypes.string_at(0)


def abort() -> None:
    os.abort()


def bad_alloc() -> None:
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n")
    os.abort()


def hang() -> None:
    ctypes.PyDLL(None).pause()  # native code that holds Python's lock


def write_file(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def write_at_exit(path: Path) -> None:
    def write() -> None:
        time.sleep(0.1)
        path.write_text("written")

    atexit.register(write)


def wrong_type() -> int:
    return "text"  # type: ignore[return-value]


def forged(code: str, shape: list[int], data: bytes) -> NDArray[np.float32]:
    return [code, shape, data]  # type: ignore[return-value] # as an array crosses the pipe


def nested(depth: int) -> tuple[Any, ...]:
    value: tuple[Any, ...] = ()
    for _ in range(depth):
        value = (value,)
    return value


def no_type() -> Any:
    return object()


def write_to_pipes(message: bytes) -> None:
    for number in range(3, 20):
        with contextlib.suppress(OSError):  # closed, or one to read from
            os.write(number, message)
    hang()


def open_adder(addend: int) -> Callable[[int], tuple[int, int]]:
    """The sum and the process."""
    return lambda number: (number + addend, os.getpid())


def open_refusing() -> Callable[[int], int]:
    raise BadFileError("model.tflite: not a model")


def open_sleeper() -> Callable[[float], float]:
    """Sleep for so many seconds; for ever in native code if they are negative."""

    def sleep(seconds: float) -> float:
        if seconds < 0:
            hang()
        time.sleep(seconds)
        return seconds

    return sleep


def open_fragile() -> Callable[[int], int]:
    """Crash at 7, refuse 8."""

    def work(number: int) -> int:
        if number == 7:
            segfault()
        if number == 8:
            refuse()
        return number

    return work


def open_big() -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    return lambda array: array


def open_tflm_file(path: str) -> Callable[[NDArray[np.int8]], NDArray[np.int8]]:
    """A file in TensorFlow Lite for Microcontrollers."""
    from eyespot.tflite.read import read
    from eyespot.tflite.run import open_runner

    return open_runner(read(Path(path)).content, "tflm")


def open_logging(path: str) -> Callable[[int], int]:
    """Note each number in a file before it is returned."""

    def work(number: int) -> int:
        with Path(path).open("a") as file:
            file.write(f"{number}\n")
        time.sleep(0.2)
        return number

    return work


def open_allocating() -> Callable[[int], int]:
    return lambda size: len(zeros(size))
