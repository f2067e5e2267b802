"""A benchmark from the answers of the runner or of a microcontroller."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Annotated, Any

import msgspec

from eyespot import isolation
from eyespot.artifacts.benchmarks import Benchmark, Latency, Machine, OperatorTime
from eyespot.benchmarking import microcontroller, program, remote, runner
from eyespot.benchmarking.conversation import Conversation
from eyespot.devices.compiled import target
from eyespot.errors import RefusedError, ToolDiedError
from eyespot.progress import track
from eyespot.tflite.read import File
from eyespot.zoo.provenance import name_of

THREAD = 256 << 20  # bytes of address space that a thread takes
Counts = Annotated[tuple[int, ...], msgspec.Meta(min_length=1)]
SLOWEST = 600  # seconds that one number of threads may take beside the timed runs


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the runner takes: the most threads (None: as many as cores, at most 4), seconds of timed runs, limits."""

    threads: int | None
    seconds: float
    delegate: str
    limit: float
    memory: int


def bench(file: File, *, on: str | None, threads: int | None, seconds: float, delegate: str, keep: bool) -> Benchmark:
    """Measure a file on this machine or where `on` says.

    ToolDiedError if the measurement is not complete, RefusedError for a file that is compiled for an NPU which this
    machine does not have, and on Windows.
    """
    refuse_windows(sys.platform, on)
    if not on and not delegate and (found := target(file)):
        remedy = "measure it where that is: --on ssh://user@board --delegate LIBRARY"
        raise RefusedError(f"{file.path}: {found.words}; {remedy}")
    model = file.contract.model if file.contract else file.path.stem
    serial = bool(on and on.startswith("serial:"))
    options = {"--on": on, "--threads": threads, "--seconds": f"{seconds:g}", "--delegate": delegate}
    asked = (each for each in options.items() if each[1] and (each[0] == "--on" or not serial))
    made = Benchmark(
        model=model, precision=file.precision, artifact=file.sha256, delegate=delegate,
        machine=Machine(name=""), latencies=(_NONE,), profile=(),
        command=" ".join([f"eyespot bench {name_of(file, model)}", *(f"{n} {shlex.quote(str(v))}" for n, v in asked)]),
    )  # fmt: skip
    if on and serial:
        machine, latency = microcontroller.listen(*microcontroller.port(on))
        return replace(made, machine=machine, latencies=(latency,))
    memory = 0 if on else isolation.MEMORY + 8 * len(file.data) + (threads or runner.CORES) * THREAD
    settings = Settings(threads=threads, seconds=seconds, delegate=delegate, limit=SLOWEST + 4 * seconds, memory=memory)
    text = msgspec.json.encode(settings).decode()
    with _opened(file, on, text, keep=keep) as there:
        done = _complete(made, there, settings)
    return replace(done, machine=replace(done.machine, address=on or ""))


def refuse_windows(platform: str, on: str | None) -> None:
    """RefusedError for what Windows has not: the runner and serial ports need POSIX, ssh does not."""
    if platform == "win32" and not (on and on.startswith("ssh://")):
        what = "reads no serial ports" if on else "does not measure itself"
        raise RefusedError(f"Windows {what}: run eyespot in WSL, or measure a board with --on ssh://user@board")


_NONE = Latency(threads=1, first=0, warmup_runs=0, runs=0, mean=0, tool="")


def _opened(file: File, on: str | None, text: str, *, keep: bool) -> AbstractContextManager[Conversation]:
    if on:
        return remote.runner_on(remote.board(on), file.data, text, keep=keep)
    argv = [sys.executable, "-P", runner.__file__, str(file.path.resolve()), text]
    return Conversation(argv, "LiteRT")


def _complete(made: Benchmark, there: Conversation, settings: Settings) -> Benchmark:
    answers = _answers(there, settings.limit)
    first = next(answers, {})
    if "machine" not in first:
        raise there.died()
    machine, counts = _as(Machine, first["machine"], there), _as(Counts, first.get("threads"), there)
    latencies, profile, last = list[Latency](), (), None
    for answer in track(answers, len(counts) + 2, "latency"):
        found = _read(answer, counts[len(latencies) % len(counts)], there)
        if "latency" in found:
            latencies.append(_as(Latency, found["latency"], there))
        profile = _as(tuple[OperatorTime, ...], found.get("profile", profile), there)
        last = answer
    if last is None or "temperature" not in last or len(latencies) != len(counts):
        raise there.died()
    after = _as(float | None, last["temperature"], there)
    machine = replace(machine, temperature_after=after)
    return replace(made, machine=machine, latencies=tuple(latencies), profile=profile)


def _read(answer: dict[str, Any], threads: int, there: Conversation) -> dict[str, Any]:
    """An answer with the latency or the profile that benchmark_model printed."""
    if "printed" not in answer:
        return answer
    try:
        text = str(answer["printed"])
        if answer.get("task") == "latency":
            return {"latency": program.figures(text, threads)}
        return {"profile": program.operators(text)}
    except ValueError as error:
        raise ToolDiedError(f"{there.name}: {error}") from error


def _answers(there: Conversation, seconds: float) -> Iterator[dict[str, Any]]:
    """The runner's messages. ToolDiedError for one that says what went wrong."""
    for line in there.lines(seconds):
        try:
            answer = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError):  # a login script or a library prints as well
            continue
        if "error" in answer:
            raise ToolDiedError(f"{there.name}: {answer['error']}")
        yield answer


def _as(kind: Any, value: Any, there: Conversation) -> Any:
    try:
        return msgspec.convert(value, kind)
    except ValueError as error:
        raise ToolDiedError(f"{there.name}: answered what was not expected: {error}") from error
