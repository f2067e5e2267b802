"""Functions and programs in workers."""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, TypeVarTuple, get_args, get_origin, get_type_hints

from eyespot import errors
from eyespot.isolation import process
from eyespot.isolation.process import MEMORY, Process

if TYPE_CHECKING:
    from numpy.typing import NDArray

A = TypeVar("A")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")

AHEAD = 2  # requests that a worker has, so that it never waits for its parent


def run(function: Callable[[*Ts], R], *args: *Ts, seconds: float = 60, memory: int = MEMORY, name: str = "") -> R:
    """Call a module-level function in a fresh worker."""
    with Pool(1, seconds=seconds, memory=memory, name=name or function.__name__) as pool:
        [result] = pool._stream([pickle.dumps((function, args))], _returned(function))
    return result


def command(
    argv: Sequence[str], *, seconds: float = 60, memory: int = MEMORY, cwd: Path | None = None, name: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end. `stdout` of the result holds all that it printed."""
    name, env = name or Path(argv[0]).name, process.environment()
    code, text = run(_call, name, list(argv), cwd, env, seconds=seconds, memory=memory, name=name)
    return subprocess.CompletedProcess(argv, code, text)


def _call(name: str, argv: list[str], cwd: Path | None, env: dict[str, str]) -> tuple[int, str]:
    """A program's exit code and output."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd, env=env, check=False)
    except OSError as error:
        raise errors.ToolStartError(f"{name} did not start: {error.strerror}: {error.filename}") from error
    words = process.ending(done.returncode, done.stdout)
    if done.returncode < 0 or (done.returncode and process.OUT_OF_MEMORY.search(words)):
        raise process.crashed(name, words)
    return done.returncode, done.stdout.decode(errors="replace")


class Pool:
    """Workers that start at once, import the modules `preload` and wait for work.

    `seconds` limits each request. After an error, close it.
    """

    def __init__(
        self, processes: int | None = None, *, preload: Sequence[str] = (), seconds: float = 600,
        memory: int = MEMORY, name: str = "a worker",
    ) -> None:  # fmt: skip
        self._replies: process.Replies = queue.SimpleQueue()
        self._workers: list[Process] = []
        try:
            for _ in range(processes or os.cpu_count() or 1):
                self._workers.append(Process(self._replies, preload, name, seconds, memory))
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._workers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers: idle ones exit, busy ones are killed."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.close()

    def open(
        self, function: Callable[[*Ts], Callable[[A], R]], *args: *Ts, name: str = "", seconds: float = 0,
        like: Callable[..., Any] | None = None,
    ) -> Callable[[Iterable[A]], Iterator[R]]:  # fmt: skip
        """Call `function` once in every worker, without waiting. Errors begin with `name` from now on.

        `seconds` is the limit of each request from now on, if it is given. Results are checked against what
        `function` declares, or `like` if it passes on the results of that.

        Returns a map: it takes items, hands out the first, calls what `function` returned on each, in
        whichever worker is free, and yields the results in the order of the items.
        """
        request = pickle.dumps((function, args))
        for worker in self._workers:
            worker.name, worker.seconds = name or worker.name, seconds or worker.seconds
            worker.send(process.OPENING, request)
        kind = get_args(_returned(like or function))[-1]
        return lambda items: self._stream((pickle.dumps((None, (item,))) for item in items), kind)

    def _stream(self, requests: Iterable[bytes], kind: Any) -> Iterator[Any]:
        """Results of the type `kind`, in the order of their requests."""
        if not self._workers or any(max(worker.jobs, default=-1) >= 0 for worker in self._workers):
            raise ValueError("the pool is closed, or still at work")
        waiting = enumerate(requests)
        for worker, request in zip(self._workers * AHEAD, waiting, strict=False):
            worker.send(*request)
        return self._results(waiting, kind)

    def _results(self, waiting: Iterator[tuple[int, bytes]], kind: Any) -> Iterator[Any]:
        results, following = dict[int, Any](), 0
        while any(worker.jobs for worker in self._workers):
            worker, job, reply = self._next()
            result = _value(worker, reply, kind if job >= 0 else None)
            if job >= 0:
                results[job] = result
                for request in waiting:
                    worker.send(*request)
                    break
            while following in results:
                yield results.pop(following)
                following += 1

    def _next(self) -> tuple[Process, int, bytes]:
        """A reply: the worker, the job that it answers, the bytes."""
        first = min((each for each in self._workers if each.jobs), key=lambda each: each.deadline)
        try:
            worker, reply = self._replies.get(timeout=max(0, first.deadline - time.monotonic()))
        except queue.Empty:
            raise first.late() from None
        if reply is None or not worker.jobs:
            raise worker.death()
        worker.begin()
        return worker, worker.jobs.popleft(), reply


def _returned(function: Callable[..., Any]) -> Any:
    return get_type_hints(function)["return"]


def _value(worker: Process, reply: bytes, kind: Any) -> Any:
    """The value of a reply, of the type `kind`. Raises the error if it is one."""
    import msgspec

    succeeded = reply[:1] == b"+"
    kind = kind if succeeded else tuple[str, str]
    try:
        value = msgspec.msgpack.decode(reply[1:], type=kind, dec_hook=_restore)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # UnicodeDecodeError as well
        worker.kill()
        message = process.one_line(f"its result is malformed: {error}")
        raise process.crashed(worker.name, message) from error
    if succeeded:
        return value
    known, message = getattr(errors, value[0], None), process.one_line(value[1]) or "without a reason"
    if isinstance(known, type) and issubclass(known, errors.EyespotError):
        raise known.__new__(known, message)
    raise process.crashed(worker.name, message)


def _restore(kind: Any, value: Any) -> NDArray[Any]:
    """An array of the type `kind`, from what `worker` made of it. ValueError if it is another one."""
    import msgspec
    import numpy as np

    code, shape, data = msgspec.convert(value, tuple[str, tuple[int, ...], bytes])
    numeric = {np.dtype(each).str for each in "?bBhHiIqQefd"}
    dtype = np.dtype(code if code in numeric else object)
    item = get_args(get_args(kind)[1])[0] if get_origin(kind) is np.ndarray else Any
    if dtype.hasobject or min(shape, default=0) < 0 or not (item is Any or issubclass(dtype.type, item)):
        raise ValueError(f"expected {kind}, found {code} {shape}")
    return np.frombuffer(data, dtype).reshape(shape).copy()
