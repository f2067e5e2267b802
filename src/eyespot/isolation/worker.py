"""A worker's side. It runs as a program, by its path, and imports little: every command waits for it."""

from __future__ import annotations

import atexit
import importlib
import os
import pickle
import sys
from collections.abc import Callable, Sequence
from typing import IO, Any

LARGEST = 1 << 30  # bytes of a message


def serve(preload: Sequence[str]) -> None:
    """Answer requests until the parent closes the pipe. What libraries print goes to standard error."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    opened: Any = None

    def answer(request: bytes) -> Any:
        nonlocal opened
        function, args = pickle.loads(request)  # noqa: S301 (from the parent)
        result = (function or opened)(*args)
        if not callable(result):
            return result
        opened = result
        return None

    send(replies, _outcome(_import, preload))
    while request := receive(requests):
        send(replies, _outcome(answer, request))
    atexit._run_exitfuncs()
    os._exit(0)  # unloading LiteRT in order would cost 60 ms


def send(pipe: IO[bytes], message: bytes) -> None:
    """Write one message, in one call if possible: each has to wait for Python's lock."""
    rest = memoryview(len(message).to_bytes(8, "little") + message)
    while rest:
        rest = rest[os.write(pipe.fileno(), rest) :]


def receive(pipe: IO[bytes]) -> bytes | None:
    """The next message; None at the end, or if it is too long or cut short."""
    size = int.from_bytes(pipe.read(8), "little")
    message = pipe.read(size) if size <= LARGEST else b""
    return message if len(message) == size else None


def _import(modules: Sequence[str]) -> None:
    for module in modules:
        importlib.import_module(module)


def _outcome(function: Callable[[Any], object], argument: Any) -> bytes:
    """The reply to a call: + and its result, or - and its error's class and message."""
    import msgspec

    encode = msgspec.msgpack.Encoder(enc_hook=_plain).encode
    try:
        return b"+" + encode(function(argument))
    except BaseException as error:  # sys.exit() as well
        return b"-" + encode(_described(error))


def _plain(value: Any) -> Any:
    """What msgpack has no form for, in simpler types."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"cannot return a {type(value).__name__}")


def _described(error: BaseException) -> tuple[str, str]:
    from eyespot.errors import EyespotError, MissingExtraError

    if isinstance(error, ModuleNotFoundError):
        error = MissingExtraError.of(error)
    kind = type(error).__name__
    return kind, str(error) if isinstance(error, EyespotError) else f"{kind}: {error}"


if __name__ == "__main__":
    serve(sys.argv[1:])
