"""The only way to run what may crash, hang or eat memory: in a process of its own, with limits.

`run` calls one function in a fresh worker, `Pool` calls a function many times in several workers, and
`command` runs a foreign program. A worker is started as `python -m eyespot.isolation`, not from the
user's script, so it needs no `__main__` guard and works from standard input, in notebooks and threads.

Requests are pickled. Results are not, because a hostile file may control the worker: they return as
msgpack and must match the function's return annotation. It may consist of plain values, numeric arrays
and dataclasses, all defined at run time. What a worker prints goes to a temporary file.

All three raise a ToolDiedError if the tool did not answer; its message begins with `name`. They raise
MissingExtraError if the tool's package is not installed. An EyespotError that the function raises
arrives as the same class; only that is a verdict on a file.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import pickle
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import IO, TYPE_CHECKING, Any, Self, TypeVar, TypeVarTuple, get_args, get_origin, get_type_hints

from eyespot import errors

if sys.platform == "linux":
    import fcntl
    import resource

if TYPE_CHECKING:
    from numpy.typing import NDArray

A = TypeVar("A")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")

MEMORY = 2 << 30  # bytes of address space, and of any file that the process writes
LARGEST = 1 << 30  # bytes of a message
START_SECONDS = 60
EXIT_SECONDS = 5
AHEAD = 2  # requests that a worker has, so that it never waits for its parent
STARTING, OPENING = -2, -1  # a worker's jobs that are not the number of an item
OUT_OF_MEMORY = re.compile(r"MemoryError|std::bad_alloc|Cannot allocate memory")
SIGNALS = {-each.value: each.name for each in signal.Signals}


def run(
    function: Callable[[*Ts], R], *args: *Ts, seconds: float = 60, memory: int = MEMORY, name: str = ""
) -> R:
    """Call a module-level function in a fresh worker."""
    with Pool(1, seconds=seconds, memory=memory, name=name or function.__name__) as pool:
        [result] = pool._stream([pickle.dumps((function, args, False))], _returned(function))
    return result


def command(
    argv: Sequence[str], *, seconds: float = 60, memory: int = MEMORY, cwd: Path | None = None, name: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end. `stdout` of the result holds all that it printed."""
    name = name or Path(argv[0]).name
    code, text = run(_call, name, list(argv), cwd, _environment(), seconds=seconds, memory=memory, name=name)
    return subprocess.CompletedProcess(argv, code, text)


class Pool:
    """Workers that start at once, import the modules `preload` and wait for work.

    `seconds` limits each request. After an error, close it.
    """

    def __init__(
        self,
        processes: int | None = None,
        *,
        preload: Sequence[str] = (),
        seconds: float = 600,
        memory: int = MEMORY,
        name: str = "a worker",
    ) -> None:
        self._seconds = seconds
        self._replies: Replies = queue.SimpleQueue()
        self._workers: list[_Worker] = []
        try:
            for _ in range(processes or os.cpu_count() or 1):
                self._workers.append(_Worker(name, memory, preload, self._replies))
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
        self, function: Callable[[*Ts], Callable[[A], R]], *args: *Ts, name: str = ""
    ) -> Callable[[Iterable[A]], Iterator[R]]:
        """Call `function` once in every worker, without waiting for it. With `name` errors begin from now on.

        Returns a map: it takes items, calls what `function` returned on each, in whichever worker is
        free, and yields the results in the order of the items.
        """
        for worker in self._workers:
            worker.name = name or worker.name
            worker.send(OPENING, pickle.dumps((function, args, True)), self._seconds)
        kind = get_args(_returned(function))[-1]
        return lambda items: self._stream((pickle.dumps((None, (item,), False)) for item in items), kind)

    def _stream(self, requests: Iterable[bytes], kind: Any) -> Iterator[Any]:
        """Results of the type `kind`, in the order of their requests."""
        if not self._workers or any(max(worker.jobs, default=-1) >= 0 for worker in self._workers):
            raise ValueError("the pool is closed, or still at work")
        waiting, results, following = enumerate(requests), dict[int, Any](), 0
        for worker in self._workers * AHEAD:
            self._hand_out(worker, waiting)
        while any(worker.jobs for worker in self._workers):
            worker, job, reply = self._next()
            result = worker.result(reply, kind if job >= 0 else None)
            if job >= 0:
                results[job] = result
                self._hand_out(worker, waiting)
            while following in results:
                yield results.pop(following)
                following += 1

    def _hand_out(self, worker: _Worker, waiting: Iterator[tuple[int, bytes]]) -> None:
        for number, request in waiting:
            worker.send(number, request, self._seconds)
            break

    def _next(self) -> tuple[_Worker, int, bytes]:
        """A reply: the worker, the job that it answers, the bytes."""
        first = min((each for each in self._workers if each.jobs), key=lambda each: each.deadline)
        try:
            worker, reply = self._replies.get(timeout=max(0, first.deadline - time.monotonic()))
        except queue.Empty:
            raise first.late(self._seconds) from None
        if reply is None or not worker.jobs:
            raise worker.death()
        worker.deadline = time.monotonic() + self._seconds
        return worker, worker.jobs.popleft(), reply


class _Worker:
    """A process that answers requests, with one thread that writes to it and one that reads from it.

    It has limits, leads a process group, and dies when this process does.
    """

    def __init__(self, name: str, memory: int, preload: Sequence[str], replies: Replies) -> None:
        self.name, self._replies = name, replies
        self.jobs = deque([STARTING])
        self.deadline = time.monotonic() + START_SECONDS
        self._requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (`close` closes it)
        leash, self._lifeline = os.pipe()
        try:
            self._process = self._start(preload, leash)
            _bind(self._process.pid, leash, memory)
        except OSError as error:
            self._errors.close()
            os.close(self._lifeline)
            program = sys.executable or "Python, because sys.executable is empty"
            raise errors.ToolStartError(f"{name}: cannot start {program}: {error.strerror}") from error
        finally:
            os.close(leash)
        self._writer = threading.Thread(target=self._write, args=(self._process.stdin,), daemon=True)
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._writer.start()
        self._reader.start()

    def _start(self, preload: Sequence[str], leash: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "eyespot.isolation", *preload],
            stdin=PIPE,
            stdout=PIPE,
            stderr=self._errors,
            env={**_environment(), "PYTHONPATH": _import_path()},
            pass_fds=() if os.name == "nt" else (leash,),
            process_group=0,
        )

    def send(self, job: int, request: bytes, seconds: float) -> None:
        """Queue a request; if it is the only one, its time begins now."""
        if not self.jobs:
            self.deadline = time.monotonic() + seconds
        self.jobs.append(job)
        self._requests.put(request)

    def result(self, reply: bytes, kind: Any) -> Any:
        """The value of a reply, of the type `kind`. Raises the error if it is one."""
        import msgspec

        succeeded = reply[:1] == b"+"
        kind = kind if succeeded else tuple[str, str]
        try:
            value = msgspec.msgpack.decode(reply[1:], type=kind, dec_hook=_restore)
        except (msgspec.MsgspecError, RecursionError) as error:
            self._kill()
            raise _crashed(self.name, _one_line(f"its result is malformed: {error}")) from error
        if succeeded:
            return value
        known, message = getattr(errors, value[0], None), _one_line(value[1])
        if isinstance(known, type) and issubclass(known, errors.EyespotError):
            raise known.__new__(known, message)
        raise _crashed(self.name, message)

    def death(self) -> errors.ToolDiedError:
        """The error for a worker that closed its pipe."""
        self._kill()
        code = self._process.wait()
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 4096))
        words = _ending(code, self._errors.read())
        if STARTING in self.jobs:
            return errors.ToolStartError(f"{self.name} did not start: {words}")
        return _crashed(self.name, words)

    def late(self, seconds: float) -> errors.ToolDiedError:
        """The error for a worker that did not answer in time."""
        if STARTING in self.jobs:
            return errors.ToolStartError(f"{self.name} did not start within {START_SECONDS} s")
        return errors.ToolTimeError(f"{self.name} did not finish within {seconds:g} s")

    def stop(self) -> None:
        """Let it exit if it is idle; kill it if it is busy."""
        if self.jobs:
            self._kill()
        self._requests.put(b"")

    def close(self) -> None:
        """Wait for its exit, and leave nothing behind."""
        self._reader.join(EXIT_SECONDS)
        self._kill()
        self._process.wait()
        self._reader.join()
        self._writer.join()
        self._errors.close()
        os.close(self._lifeline)

    def _kill(self) -> None:
        """Kill it and its children; the exit code of one that is exiting stays the same."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL) if os.name == "posix" else self._process.kill()

    def _write(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError), pipe:
            while request := self._requests.get():
                _send(pipe, request)

    def _read(self, pipe: IO[bytes]) -> None:
        try:
            with pipe:
                while reply := _receive(pipe):
                    self._replies.put((self, reply))
        finally:
            self._replies.put((self, None))


Replies = queue.SimpleQueue[tuple[_Worker, bytes | None]]  # None: the worker has closed its pipe


def _bind(pid: int, leash: int, memory: int) -> None:
    """Limit a new process, and have the kernel kill its group when the other end of the pipe `leash` closes.

    That end closes when this process dies. Unlike PR_SET_PDEATHSIG this does not depend on the thread
    that started the child, and unlike a watching thread it also ends a child that holds Python's lock.
    Only Linux has this; elsewhere there is no limit, and a worker exits when it next waits for a request.
    """
    if sys.platform == "linux":
        for limit, most in (("AS", memory), ("FSIZE", memory), ("CORE", 0)):
            kind = getattr(resource, f"RLIMIT_{limit}")
            hard = resource.prlimit(pid, kind)[1]
            size = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.prlimit(pid, kind, (size, size))
        fcntl.fcntl(leash, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(leash, fcntl.F_SETOWN, -pid)
        fcntl.fcntl(leash, fcntl.F_SETFL, os.O_ASYNC)


def _environment() -> dict[str, str]:
    """The user's environment; BLAS's threads would use up the address space where there are many cores."""
    return {"OPENBLAS_NUM_THREADS": "1", **os.environ}


def _import_path() -> str:
    """Where this process finds modules, except the current folder."""
    here = os.path.realpath(os.curdir)
    path = [each for each in sys.path if each and os.path.realpath(each) != here]
    return os.pathsep.join([*path, str(Path(__file__).parents[1])])


def _returned(function: Callable[..., Any]) -> Any:
    return get_type_hints(function)["return"]


def _crashed(name: str, words: str) -> errors.ToolDiedError:
    if OUT_OF_MEMORY.search(words):
        return errors.ToolMemoryError(f"{name} ran out of memory: {words}")
    return errors.ToolCrashedError(f"{name} crashed: {words}")


def _ending(code: int, output: bytes) -> str:
    """How a program ended, and its last words."""
    last_line = _one_line(output.decode(errors="replace").strip().rpartition("\n")[2])
    return ": ".join(filter(None, (SIGNALS.get(code, f"exit code {code}"), last_line)))


def _one_line(text: str) -> str:
    """Foreign words, safe to print."""
    return "".join(each for each in " ".join(text[:2000].split()) if each.isprintable())


def _send(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(len(message).to_bytes(8, "little"))
    pipe.write(message)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes | None:
    """The next message; None at the end, or if it is too long or cut short."""
    size = int.from_bytes(pipe.read(8), "little")
    message = pipe.read(size) if size <= LARGEST else b""
    return message if len(message) == size else None


def _restore(kind: Any, value: Any) -> NDArray[Any]:
    """An array of the type `kind`, from what `_plain` made of it. ValueError if it is another one."""
    import msgspec
    import numpy as np

    code, shape, data = msgspec.convert(value, tuple[str, tuple[int, ...], bytes])
    numeric = {np.dtype(each).str for each in "?bBhHiIqQefd"}
    dtype = np.dtype(code if code in numeric else object)
    item = get_args(get_args(kind)[1])[0] if get_origin(kind) is np.ndarray else Any
    if dtype.hasobject or min(shape, default=0) < 0 or not (item is Any or issubclass(dtype.type, item)):
        raise ValueError(f"expected {kind}, found {code} {shape}")
    return np.frombuffer(data, dtype).reshape(shape).copy()


def _plain(value: Any) -> Any:
    """What msgpack has no form for, in simpler types."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"cannot return a {type(value).__name__}")


def _outcome(function: Callable[[*Ts], object], *args: *Ts) -> bytes:
    """The reply to a call: + and its result, or - and its error's class and message."""
    import msgspec

    encode = msgspec.msgpack.Encoder(enc_hook=_plain).encode
    try:
        return b"+" + encode(function(*args))
    except BaseException as error:  # sys.exit() as well
        return b"-" + encode(_described(error))


def _described(error: BaseException) -> tuple[str, str]:
    if isinstance(error, ModuleNotFoundError):
        error = errors.MissingExtraError.of(error)
    kind = type(error).__name__
    return kind, str(error) if isinstance(error, errors.EyespotError) else f"{kind}: {error}"


def _call(name: str, argv: list[str], cwd: Path | None, environment: dict[str, str]) -> tuple[int, str]:
    """A program's exit code and output."""
    try:
        done = subprocess.run(argv, stdout=PIPE, stderr=STDOUT, cwd=cwd, env=environment, check=False)
    except OSError as error:
        raise errors.ToolStartError(f"{name} did not start: {error.strerror}: {error.filename}") from error
    words = _ending(done.returncode, done.stdout)
    if done.returncode < 0 or (done.returncode and OUT_OF_MEMORY.search(words)):
        raise _crashed(name, words)
    return done.returncode, done.stdout.decode(errors="replace")


def _preload(modules: Sequence[str]) -> None:
    for module in modules:
        importlib.import_module(module)


def serve(preload: Sequence[str]) -> None:
    """Answer requests until the parent closes the pipe. What libraries print goes to standard error."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    kept: Any = None

    def answer(request: bytes) -> Any:
        nonlocal kept
        function, args, keep = pickle.loads(request)  # noqa: S301 (from the parent)
        result = (function or kept)(*args)
        if not keep:
            return result
        kept = result
        return None

    _send(replies, _outcome(_preload, preload))
    while request := _receive(requests):
        _send(replies, _outcome(answer, request))
    atexit._run_exitfuncs()
    os._exit(0)  # unloading LiteRT in order would cost 60 ms


if __name__ == "__main__":
    serve(sys.argv[1:])
