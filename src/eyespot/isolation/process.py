"""One worker, as its parent sees it, and the words for its end."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE
from typing import IO

from eyespot import errors
from eyespot.isolation import worker

if sys.platform == "linux":
    import fcntl
    import resource

MEMORY = 2 << 30  # bytes of address space, and of any file that the process writes
START_SECONDS, EXIT_SECONDS = 60, 5
STARTING, OPENING = -2, -1  # a worker's jobs that are not the number of an item
OUT_OF_MEMORY = re.compile(r"MemoryError|std::bad_alloc|Cannot allocate memory")
SIGNALS = {-each.value: each.name for each in signal.Signals}


class Process:
    """A worker, with one thread that writes requests to it and one that reads replies from it.

    It has limits, leads a process group, and dies when this process does. `jobs` are those that it has not
    answered. A reply of None says that it has closed its pipe.
    """

    def __init__(self, replies: Replies, preload: Sequence[str], name: str, seconds: float, memory: int) -> None:
        self.name, self.jobs, self.seconds = name, deque([STARTING]), seconds
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
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout, replies), daemon=True)
        self._writer.start()
        self._reader.start()

    def _start(self, preload: Sequence[str], leash: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-P", worker.__file__, *preload],
            stdin=PIPE,
            stdout=PIPE,
            stderr=self._errors,
            env={**environment(), "PYTHONPATH": _import_path()},
            pass_fds=() if os.name == "nt" else (leash,),
            process_group=0,
        )

    def send(self, job: int, request: bytes) -> None:
        """Queue a request; if it is the only one, its time begins now."""
        self.jobs.append(job)
        if len(self.jobs) == 1:
            self.begin()
        self._requests.put(request)

    def begin(self) -> None:
        """The time of the first job begins now."""
        self.deadline = time.monotonic() + self.seconds

    def death(self) -> errors.ToolDiedError:
        """The error for a worker that closed its pipe."""
        self.kill()
        code = self._process.wait()
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 4096))
        words = ending(code, self._errors.read())
        if STARTING in self.jobs:
            return errors.ToolStartError(f"{self.name} did not start: {words}")
        return crashed(self.name, words)

    def late(self) -> errors.ToolDiedError:
        """The error for a worker that did not answer in time."""
        if STARTING in self.jobs:
            return errors.ToolStartError(f"{self.name} did not start within {START_SECONDS} s")
        return errors.ToolTimeError(f"{self.name} did not finish within {self.seconds:g} s")

    def stop(self) -> None:
        """Let it exit if it is idle; kill it if it is busy."""
        if self.jobs:
            self.kill()
        self._requests.put(b"")

    def close(self) -> None:
        """Wait for its exit, and leave nothing behind."""
        self._reader.join(EXIT_SECONDS)
        self.kill()
        self._process.wait()
        self._reader.join()
        self._writer.join()
        self._errors.close()
        os.close(self._lifeline)

    def kill(self) -> None:
        """Kill it and its children; the exit code of one that is exiting stays the same."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL) if os.name == "posix" else self._process.kill()

    def _write(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError), pipe:
            while request := self._requests.get():
                worker.send(pipe, request)

    def _read(self, pipe: IO[bytes], replies: Replies) -> None:
        try:
            with pipe:
                while reply := worker.receive(pipe):
                    replies.put((self, reply))
        finally:
            replies.put((self, None))


Replies = queue.SimpleQueue[tuple[Process, bytes | None]]


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


def environment() -> dict[str, str]:
    """The user's environment; BLAS's threads would use up the address space where there are many cores."""
    return {"OPENBLAS_NUM_THREADS": "1", **os.environ}


def _import_path() -> str:
    """Where this process finds modules, except the current folder."""
    here = os.path.realpath(os.curdir)
    path = [each for each in sys.path if each and os.path.realpath(each) != here]
    return os.pathsep.join([*path, str(Path(__file__).parents[2])])


def crashed(name: str, words: str) -> errors.ToolDiedError:
    """The error for a tool that ended with these words."""
    if OUT_OF_MEMORY.search(words):
        return errors.ToolMemoryError(f"{name} ran out of memory: {words}")
    return errors.ToolCrashedError(f"{name} crashed: {words}")


def ending(code: int, output: bytes) -> str:
    """How a program ended, and its last words."""
    last_line = one_line(output.decode(errors="replace").strip().rpartition("\n")[2])
    return ": ".join(filter(None, (SIGNALS.get(code, f"exit code {code}"), last_line)))


def one_line(text: str) -> str:
    """Foreign words, safe to print."""
    return "".join(each for each in " ".join(text[:2000].split()) if each.isprintable())
