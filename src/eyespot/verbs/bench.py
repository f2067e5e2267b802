"""bench: how long a file takes, here or on a board."""

from __future__ import annotations

from eyespot.arguments import CORES, positive, verb
from eyespot.artifacts import benchmarks
from eyespot.artifacts.benchmarks import Benchmark
from eyespot.benchmarking import engine
from eyespot.errors import BadArgumentError
from eyespot.zoo import registry

LONGEST = 3600  # seconds


@verb
def bench(
    model: str,
    *,
    on: str | None = None,
    threads: int | None = None,
    seconds: float = 2.0,
    delegate: str | None = None,
    keep: bool = False,
) -> Benchmark:
    """Measure latency and memory, on this machine or on a board.

    The measurement is kept in $EYESPOT_DATA/results; `eyespot list` and `eyespot report` show it.

    Example: eyespot bench tiny-resnet --on ssh://root@imx93.local --delegate /usr/lib/libethosu_delegate.so

    Args:
        model: A model (its int8 file), MODEL:float32, a .tflite file or a folder that `make` wrote.
        on: ssh://user@board[:port] with Python and LiteRT or with benchmark_model, or serial:/dev/ttyACM0[:115200]
            where the C example prints its timings.
        threads: Measure with 1 to this many threads; with one for each core, at most 4, by default.
        seconds: Of timed runs for each number of threads, after a warm-up.
        delegate: A delegate's library on the machine that runs the file, for its NPU.
        keep: Leave the file and the runner on the board.
    """
    positive(CORES, threads=threads)
    if not 0 < seconds <= LONGEST:
        raise BadArgumentError(f"seconds: expected more than 0 and at most {LONGEST:,}, found {seconds:g}")
    if on and not on.startswith(("ssh://", "serial:")):
        raise BadArgumentError(f"on: expected ssh://user@board[:port] or serial:/dev/ttyACM0, found {on!r}")
    if on and on.startswith("serial:") and (threads or delegate or keep):
        raise BadArgumentError("threads, delegate and keep are not for a serial port: the board runs what you flashed")
    _, file = registry.open_model(model)
    measured = engine.bench(file, on=on, threads=threads, seconds=seconds, delegate=delegate or "", keep=keep)
    benchmarks.keep(measured)
    return measured
