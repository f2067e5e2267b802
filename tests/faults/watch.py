"""Every file operation of a process and its children, seen before it happens: let through, failed, or the last one.

The kernel asks this process about each system call that changes files (seccomp_unotify(2)), whatever language made
it. Linux on x86-64 alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import platform
import select
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

FD, PATH, AT = "fd", "path", "at"  # what a system call names its file by
CALLS: dict[int, tuple[str, tuple[tuple[str, int], ...]]] = {  # number: name, (kind, index of the argument)...
    1: ("write", ((FD, 0),)), 18: ("write", ((FD, 0),)), 20: ("write", ((FD, 0),)), 296: ("write", ((FD, 0),)),
    328: ("write", ((FD, 0),)), 40: ("write", ((FD, 0),)), 326: ("write", ((FD, 2),)), 285: ("write", ((FD, 0),)),
    74: ("fsync", ((FD, 0),)), 75: ("fsync", ((FD, 0),)), 77: ("truncate", ((FD, 0),)), 76: ("truncate", ((PATH, 0),)),
    2: ("open", ((PATH, 0),)), 85: ("open", ((PATH, 0),)), 257: ("open", ((AT, 0),)), 437: ("open", ((AT, 0),)),
    82: ("rename", ((PATH, 0), (PATH, 1))), 264: ("rename", ((AT, 0), (AT, 2))), 316: ("rename", ((AT, 0), (AT, 2))),
    86: ("link", ((PATH, 1),)), 265: ("link", ((AT, 2),)), 88: ("link", ((PATH, 1),)), 266: ("link", ((AT, 1),)),
    87: ("unlink", ((PATH, 0),)), 263: ("unlink", ((AT, 0),)), 84: ("unlink", ((PATH, 0),)),
    83: ("mkdir", ((PATH, 0),)), 258: ("mkdir", ((AT, 0),)),
    90: ("chmod", ((PATH, 0),)), 91: ("chmod", ((FD, 0),)), 268: ("chmod", ((AT, 0),)),
}  # fmt: skip
NEEDS_SPACE = {"write", "open", "rename", "mkdir", "link", "truncate"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
FLAGS = {2: 1, 257: 2}  # the argument of open and openat that says whether they write
RECEIVE, SEND = 0xC0502100, 0xC0182101
X86_64, NOTIFY, ALLOW, CONTINUE = 0xC000003E, 0x7FC00000, 0x7FFF0000, 1
HERE = -100  # AT_FDCWD
PATIENCE = 5  # seconds that workers have to follow their parent

libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Operation:
    """One file operation; `target` is the new name in a rename."""

    name: str
    path: Path
    target: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a process ended, what it printed, its file operations in the watched folders, and processes it left."""

    code: int
    out: str
    err: str
    operations: tuple[Operation, ...]
    seconds: float
    orphans: int


Decide = Callable[[int, Operation], int]  # the operation's number, from 1: 0 (let it happen), an errno, or KILL
KILL = -1


def let_all(_: int, __: Operation) -> int:
    return 0


def why_not() -> str:
    """Why this machine cannot watch, or ""."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "seccomp notifications are used as Linux on x86-64 has them"
    sizes = ctypes.create_string_buffer(6)
    return "" if libc.syscall(317, 3, 0, sizes) == 0 else "this kernel has no seccomp notifications"


class Started:
    """A function at work in a forked process, which leads a session, its output in files beside `log`."""

    def __init__(self, function: Callable[[], int], log: Path, *, watched: bool = False) -> None:
        self.log, self.began = log, time.monotonic()
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            _child(function, log, theirs if watched else None)
        theirs.close()
        self.listener = socket.recv_fds(ours, 1, 1)[1][0] if watched else -1
        ours.close()

    def wait(self, folders: Iterable[Path] = (), decide: Decide = let_all, kill_after: float | None = None) -> Outcome:
        """Let it run to its end; `decide` on each file operation below `folders`; kill it at a moment."""
        roots, seen, status = tuple(folders), [], None
        killed = False
        while status is None:
            left = None if kill_after is None else self.began + kill_after - time.monotonic()
            if left is not None and left <= 0 and not killed:
                killed = True
                os.kill(self.pid, signal.SIGKILL)
            for request in self._requests(0.01 if left is None else max(0.0, min(0.01, left))):
                operation = _operation(request, roots)
                verdict = 0
                if operation:
                    seen.append(operation)
                    verdict = decide(len(seen), operation)
                if verdict == KILL:
                    os.kill(self.pid, signal.SIGKILL)
                else:
                    self._answer(request, verdict)
            pid, code = os.waitpid(self.pid, os.WNOHANG)
            status = code if pid else None
        orphans = self._drain()
        if self.listener >= 0:
            os.close(self.listener)
        return self._outcome(status, tuple(seen), orphans)

    def wait_alone(self) -> Outcome:
        """Wait for its end beside other started ones."""
        _, status = os.waitpid(self.pid, 0)
        return self._outcome(status, (), 0)

    def _outcome(self, status: int, operations: tuple[Operation, ...], orphans: int) -> Outcome:
        out, err = (self.log.with_suffix(each).read_text(errors="replace") for each in (".out", ".err"))
        seconds = time.monotonic() - self.began
        code = os.waitstatus_to_exitcode(status)
        return Outcome(code=code, out=out, err=err, operations=operations, seconds=seconds, orphans=orphans)

    def _requests(self, seconds: float) -> list[bytes]:
        """The system call that waits for an answer, if any does within so many seconds."""
        if self.listener < 0:
            time.sleep(seconds)
            return []
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        if not any(event & select.POLLIN for _, event in poll.poll(seconds * 1000)):
            return []
        buffer = bytearray(80)
        with contextlib.suppress(OSError):  # its process died meanwhile
            fcntl.ioctl(self.listener, RECEIVE, buffer)
            return [bytes(buffer)]
        return []

    def _answer(self, request: bytes, error: int) -> None:
        reply = struct.pack("=QqiI", *struct.unpack_from("=Q", request), 0, -error, 0 if error else CONTINUE)
        with contextlib.suppress(OSError):
            fcntl.ioctl(self.listener, SEND, reply)

    def _drain(self) -> int:
        """Wait for the children of a process that has ended, which are this subreaper's now; kill those that stay."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return 0
            for request in [] if pid else self._requests(0.005):
                self._answer(request, 0)
        left = 0
        for child in _children():
            left += 1
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        return left


def _children() -> list[int]:
    return [int(each) for each in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def _child(function: Callable[[], int], log: Path, supervisor: socket.socket | None) -> NoReturn:
    code = 99
    try:
        os.setsid()
        for descriptor, suffix in ((1, ".out"), (2, ".err")):
            os.dup2(os.open(log.with_suffix(suffix), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), descriptor)
        if supervisor:
            listener = _install()
            socket.send_fds(supervisor, [b"x"], [listener])
            os.close(listener)
        code = function()
        sys.stdout.flush()
        sys.stderr.flush()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 99
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _install() -> int:
    """Put the filter on this process and its future children; returns the descriptor that asks."""
    rows = [(0x20, 0, 0, 4), (0x15, 1, 0, X86_64), (0x06, 0, 0, ALLOW), (0x20, 0, 0, 0)]  # architecture, then number
    for number, argument in FLAGS.items():
        rows += [
            (0x15, 0, 4, number), (0x20, 0, 0, 16 + 8 * argument), (0x45, 0, 1, WRITING), (0x06, 0, 0, NOTIFY),
            (0x06, 0, 0, ALLOW),
        ]  # fmt: skip
    others = [number for number in CALLS if number not in FLAGS]
    rows += [(0x15, len(others) - index, 0, number) for index, number in enumerate(others)]
    rows += [(0x06, 0, 0, ALLOW), (0x06, 0, 0, NOTIFY)]
    code = b"".join(struct.pack("=HBBI", *row) for row in rows)
    program = ctypes.create_string_buffer(code)
    header = struct.pack("@HP", len(rows), ctypes.addressof(program))
    libc.prctl(38, 1, 0, 0, 0)  # no new privileges, which the filter requires
    listener = libc.syscall(317, 1, 8, ctypes.create_string_buffer(header))  # a new filter with a listener
    if listener < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return listener


def become_subreaper() -> None:
    """Processes that lose their parent become this process's children."""
    libc.prctl(36, 1, 0, 0, 0)


def _operation(request: bytes, roots: tuple[Path, ...]) -> Operation | None:
    """The file operation of a request, if it is below one of these folders."""
    _, pid, _, number, _, _, *arguments = struct.unpack("=QIIiIQ6Q", request)
    name, places = CALLS[number]
    try:
        paths = [_path(pid, kind, arguments[index:]) for kind, index in places]
    except (OSError, ValueError):  # the process died, or the descriptor is a pipe
        return None
    if not any(path.is_relative_to(root) for path in paths for root in roots):
        return None
    return Operation(name, *paths)


def _path(pid: int, kind: str, arguments: list[int]) -> Path:
    """The file that a system call of a process means."""
    if kind == FD:
        return Path(f"/proc/{pid}/fd/{arguments[0]}").readlink()
    folder, address = (HERE, arguments[0]) if kind == PATH else (ctypes.c_int32(arguments[0]).value, arguments[1])
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        text = memory.read(4096 - address % 4096)  # the next page may not exist
        if b"\0" not in text:
            text += memory.read(4096)
    base = Path(f"/proc/{pid}/cwd" if folder == HERE else f"/proc/{pid}/fd/{folder}").readlink()
    return Path(os.path.normpath(base / os.fsdecode(text.partition(b"\0")[0])))
