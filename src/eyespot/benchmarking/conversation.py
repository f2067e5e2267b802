"""A program that answers in lines for as long as its standard input is open."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from typing import IO, Any

from eyespot.errors import ToolDiedError, ToolStartError
from eyespot.isolation.process import ending

HEARTBEAT = 5  # seconds
LONGEST, MOST = 1 << 20, 10_000  # characters of a line, lines
GRACE = 5  # seconds that a program may take to end when its standard input has closed


class Conversation:
    """A running program. As a context it never outlives its block; nor does it this process, as its input closes."""

    def __init__(self, argv: Sequence[str], name: str) -> None:
        self.name = name
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (`__exit__` closes it)
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        try:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, bufsize=0,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            self._errors.close()
            raise ToolStartError(f"{name}: {argv[0]} does not start: {error.strerror}") from error
        self._input: Any = self._process.stdin
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self._reader.join()
        self._errors.close()

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            self._input.close()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe, contextlib.suppress(OSError):
            for _ in range(MOST):
                if not (line := _line(pipe)):
                    break
                self._lines.put(line.decode(errors="replace"))
        self._lines.put(None)

    def write(self, text: bytes) -> None:
        """Send something; a program that has ended says why in its last words, which `died` reads."""
        with contextlib.suppress(OSError):
            self._input.write(text)

    def lines(self, seconds: float) -> Iterator[str]:
        """What it prints, to its end. ToolDiedError if it says nothing for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                line = self._lines.get(timeout=HEARTBEAT)
            except queue.Empty:
                self.write(b"\n")
                continue
            if line is None:
                return
            deadline = time.monotonic() + seconds
            yield line
        raise ToolDiedError(f"{self.name}: no answer within {seconds:g} s")

    def died(self) -> ToolDiedError:
        """The error for a program that ended before its answer was complete."""
        self._close()
        self._errors.seek(max(0, self._errors.seek(0, 2) - 4096))
        return ToolDiedError(f"{self.name}: ended before the measurement did: {self._words()}")

    def _words(self) -> str:
        return ending(self._process.returncode, self._errors.read())


def _line(pipe: IO[bytes]) -> bytes:
    """A line, b"" at the end or after one that is too long."""
    line = bytearray()
    while byte := pipe.read(1):
        line += byte
        if byte == b"\n":
            return bytes(line)
        if len(line) > LONGEST:
            break
    return b""
