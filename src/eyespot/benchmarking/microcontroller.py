"""The timing lines that a program prints on a serial port: `eyespot: NAME N us`, as our C example does."""

from __future__ import annotations

import contextlib
import os
import re
import select
import time
from collections.abc import Iterator
from statistics import mean, median

from eyespot.artifacts.benchmarks import Latency, Machine
from eyespot.benchmarking.runner import rank
from eyespot.errors import BadArgumentError, MissingDataError, ToolDiedError

LINE = re.compile(r"eyespot: ([a-z_]{1,32}) (\d{1,12}) us\s*")
BAUD = 115_200
INVOKE, PREPROCESS = "invoke", "preprocess"  # the names that exports/templates/c/main.cc prints
ENOUGH = 20  # frames, as many as the example runs
SILENCE = 30  # seconds without a timing, after which it is over
LONGEST = 4096  # bytes of a line


def port(address: str) -> tuple[str, int]:
    """The device and the baud rate of serial:/dev/ttyACM0[:115200]. BadArgumentError for any other form."""
    found = re.fullmatch(r"serial:(/dev/[\w./\-]+)(?::(\d{1,8}))?", address)
    if not found:
        raise BadArgumentError(f"on: expected serial:/dev/ttyACM0[:115200], found {address!r}")
    return found[1], int(found[2] or BAUD)


def listen(device: str, baud: int, seconds: float = SILENCE) -> tuple[Machine, Latency]:
    """What the board behind a serial port prints of itself, until 20 frames or a silence. Times in ms.

    ToolDiedError if there are no timings.
    """
    times: dict[str, list[float]] = {INVOKE: [], PREPROCESS: []}
    for name, milliseconds in _timings(device, baud, seconds):
        if name in times:
            times[name].append(milliseconds)
        if len(times[INVOKE]) >= ENOUGH:
            break
    if not any(times[INVOKE]):
        said = "only zeros: the program has no clock" if times[INVOKE] else "no line such as `eyespot: invoke 1234 us`"
        raise ToolDiedError(f"{device}: {said}; flash the C example (eyespot export) and reset the board")
    runs = sorted(times[INVOKE][1:] or times[INVOKE])
    rate = 1000 / mean(runs) if any(runs) else None
    latency = Latency(
        threads=1, first=times[INVOKE][0], warmup_runs=1, runs=len(runs), mean=mean(runs), median=median(runs),
        p90=rank(runs, 0.9), p99=rank(runs, 0.99), tool="the C example's clock",
        preprocess=median(times[PREPROCESS]) if times[PREPROCESS] else None, throughput=rate,
    )  # fmt: skip
    return Machine(name=device.removeprefix("/dev/"), board=device, address=f"serial:{device}"), latency


def _timings(device: str, baud: int, seconds: float) -> Iterator[tuple[str, float]]:
    with contextlib.closing(_Port(device, baud)) as opened:
        for line in opened.lines(seconds):
            if found := LINE.fullmatch(line):
                yield found[1], int(found[2]) / 1000


class _Port:
    """A serial port, raw: 8 bits, no parity."""

    def __init__(self, device: str, baud: int) -> None:
        import termios  # only POSIX has it

        speed = getattr(termios, f"B{baud}", None)
        if speed is None:
            raise BadArgumentError(f"on: {baud} is no baud rate of a serial port; most boards have {BAUD}")
        try:
            self._file = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise MissingDataError(f"{device}: {error.strerror}; plug the board in, and see `ls /dev/tty*`") from error
        try:
            control = termios.CS8 | termios.CREAD | termios.CLOCAL
            characters = termios.tcgetattr(self._file)[6]
            termios.tcsetattr(self._file, termios.TCSANOW, [0, 0, control, 0, speed, speed, characters])
        except termios.error as error:
            os.close(self._file)
            raise MissingDataError(f"{device}: is no serial port; see `ls /dev/tty*`") from error

    def lines(self, seconds: float) -> Iterator[str]:
        """Its lines, until nothing comes for so long."""
        kept, deadline = b"", time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and select.select([self._file], [], [], left)[0]:
            try:
                data = os.read(self._file, LONGEST)
            except OSError:  # unplugged
                return
            if not data:
                return
            *whole, kept = (kept + data).split(b"\n")
            kept = kept[-LONGEST:]
            for line in whole:
                text = line.decode(errors="replace")
                if LINE.fullmatch(text):
                    deadline = time.monotonic() + seconds
                yield text

    def close(self) -> None:
        os.close(self._file)
