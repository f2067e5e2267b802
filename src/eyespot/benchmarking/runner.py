"""Measures a .tflite file: `python3 runner.py FILE SETTINGS`, where the settings are a JSON object.

It runs on boards, with Python 3.8 and LiteRT or benchmark_model, and prints JSON, one object a line. It ends when its
standard input closes or is silent, so that a broken connection leaves nothing running.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import importlib
import json
import math
import os
import platform
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

RUNTIMES = {"ai_edge_litert": "ai-edge-litert", "tflite_runtime": "tflite-runtime"}
SILENCE = 60  # seconds after which the other side is gone
LEAST, MOST = 30, 200_000  # timed runs
MOST_PRINTED = 250_000  # characters of benchmark_model that are passed on
CORES = 4  # as many threads at most, unless more are asked for


def watch(silence: float | None, children: list[subprocess.Popen[str]]) -> None:
    """End this process and its children when standard input closes, or says nothing for `silence` seconds."""

    def wait() -> None:
        while select.select([0], [], [], silence)[0] and os.read(0, 4096):
            pass
        for child in children:
            stop(child)
        os.killpg(0, signal.SIGKILL) if os.getpid() == os.getpgid(0) else os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def stop(child: subprocess.Popen[str]) -> None:
    """Kill a worker with all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def say(**message: Any) -> None:
    """One line to the other side."""
    print(json.dumps(message), flush=True)


def supervise(path: str, settings: dict[str, Any]) -> None:
    """Measure each number of threads in a worker of its own, which may crash or hang."""
    children: list[subprocess.Popen[str]] = []
    watch(SILENCE, children)
    counts = list(range(1, (settings["threads"] or min(CORES, os.cpu_count() or 1)) + 1))
    say(machine=machine(), threads=counts)
    for task in [*(("latency", count) for count in counts), ("profile", 1)]:
        if not work(path, dict(settings, task=task[0], threads=task[1]), children):
            return
    say(temperature=temperature())


def work(path: str, settings: dict[str, Any], children: list[subprocess.Popen[str]]) -> bool:
    """Pass on a worker's answer, or say how it died; whether it gave one."""
    argv, pipe = [sys.executable, __file__, path, json.dumps(settings)], subprocess.PIPE
    with tempfile.TemporaryFile("w+", errors="replace") as words:
        child: Any = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=words, start_new_session=True, text=True)
        children[:] = [child]
        timer = threading.Timer(settings["limit"], stop, [child])
        timer.start()
        with child:
            output: str = child.stdout.read()
        late = not timer.is_alive()
        timer.cancel()
        words.seek(0)
        last = words.read().strip().rpartition("\n")[2]
    ended = f"was ended by signal {-child.returncode}" if child.returncode < 0 else "refused"
    why = f"did not finish within {settings['limit']:g} s" if late else ended
    say(error=f"the run {why}: {last[:300]}") if child.returncode else print(output, end="", flush=True)
    return not child.returncode


def runtime() -> tuple[Any, str]:
    """LiteRT's module with the interpreter, and the package with its version; (None, "") where there is none."""
    for name, package in RUNTIMES.items():
        version = ""
        try:
            module = importlib.import_module(f"{name}.interpreter")
        except ImportError:
            continue
        with contextlib.suppress(metadata.PackageNotFoundError):  # boards have it without, at times
            version = metadata.version(package)
        return module, f"{package} {version}".strip()
    return None, ""


def latency(path: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Load time, first run, warm-up and timed runs; times in ms."""
    module, name = runtime()
    before, start = memory("VmRSS"), time.perf_counter()
    model = opened(module, path, settings)
    load = (time.perf_counter() - start) * 1e3
    fill(model)
    first = timed(model.invoke, 0, 1)[0]
    warm = timed(model.invoke, settings["seconds"] / 4, 3)
    runs = sorted(timed(model.invoke, settings["seconds"], LEAST))
    npu, cpu = delegated(module, path, settings) if settings["delegate"] else (None, None)
    return dict(  # noqa: C408
        threads=settings["threads"], load=load, first=first, warmup_runs=len(warm), warmup=statistics.mean(warm),
        runs=len(runs), mean=statistics.mean(runs), median=statistics.median(runs), p90=rank(runs, 0.9),
        p99=rank(runs, 0.99), memory=max(0, memory("VmHWM") - before), npu_nodes=npu, cpu_nodes=cpu, tool=name,
        throughput=1e3 / statistics.mean(runs),
    )  # fmt: skip


def opened(module: Any, path: str, settings: dict[str, Any], **options: Any) -> Any:
    """The interpreter of a file, ready to run."""
    name = settings["delegate"]
    if "/" in name and not os.path.exists(name):  # noqa: PTH110
        sys.exit(f"{name}: no such delegate on this machine; give the path of its library there")
    options["experimental_delegates"] = [module.load_delegate(name)] if name else None
    model = module.Interpreter(model_path=path, num_threads=settings["threads"], **options)
    model.allocate_tensors()
    return model


def fill(model: Any) -> None:
    """Random inputs, the same each time: some kernels are faster on zeros."""
    import numpy as np

    rng = np.random.RandomState(0)
    for each in model.get_input_details():
        dtype, shape = np.dtype(each["dtype"]), each["shape"]
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            values = rng.randint(max(limits.min, -128), min(limits.max, 255) + 1, shape)
        else:
            values = rng.random_sample(shape)
        model.set_tensor(each["index"], values.astype(dtype))


def timed(invoke: Callable[[], None], seconds: float, least: int) -> list[float]:
    """The time of each run in ms: for so many seconds, and at least so many runs."""
    times: list[float] = []
    clock = time.perf_counter
    end = clock() + seconds
    while (len(times) < least or clock() < end) and len(times) < MOST:
        start = clock()
        invoke()
        times.append((clock() - start) * 1e3)
    return times


def rank(ordered: list[float], share: float) -> float:
    """The smallest time that so many runs do not exceed."""
    return ordered[math.ceil(share * len(ordered)) - 1]


def delegated(module: Any, path: str, settings: dict[str, Any]) -> tuple[int, int]:
    """How many nodes a delegate takes and leaves."""
    plain = {"experimental_op_resolver_type": module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES}
    count = len(module.Interpreter(model_path=path, **plain)._get_ops_details())
    taken = replaced(opened(module, path, settings, **plain)._get_ops_details(), count)
    return taken, count - taken


def replaced(nodes: list[dict[str, Any]], count: int) -> int:
    """How many of the first `count` nodes lie behind the tensors that the delegates' nodes, which follow, give."""
    makers = {tensor: node for node in nodes[:count] for tensor in node["outputs"]}
    taken: set[int] = set()
    for node in nodes[count:]:
        border, wanted = set(node["inputs"]), list(node["outputs"])
        while wanted:
            tensor = wanted.pop()
            maker = makers.get(tensor)
            if maker and tensor not in border and maker["index"] not in taken:
                taken.add(maker["index"])
                wanted += list(maker["inputs"])
    return len(taken)


def program(path: str, settings: dict[str, Any]) -> str:
    """What benchmark_model prints of the same, with its profile if that is the task."""
    found = shutil.which("benchmark_model")
    if not found:
        sys.exit("no ai-edge-litert, tflite-runtime or benchmark_model is installed; install one of them")
    options = {"graph": path, "num_threads": settings["threads"], "min_secs": settings["seconds"]}
    options.update(num_runs=LEAST, report_peak_memory_footprint="true", enable_op_profiling="true")
    if settings["task"] == "latency":
        options["enable_op_profiling"] = "false"  # it costs time
    if settings["delegate"]:
        options["external_delegate_path"] = settings["delegate"]
    done = subprocess.run(
        [found, *(f"--{name}={value}" for name, value in options.items())],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stdout.strip()[-300:] or f"benchmark_model ended with {done.returncode}")
    return done.stdout[:MOST_PRINTED]


def machine() -> dict[str, Any]:
    """What a measurement must say of where it was made."""
    board = first_line("/proc/device-tree/model") or first_line("/sys/class/dmi/id/product_name")
    found = re.search(r"^(?:model name|Hardware)\s*: (.*)$", text_of("/proc/cpuinfo"), re.MULTILINE)
    return dict(  # noqa: C408
        name=platform.node(), board=board, processor=found[1] if found else platform.machine(),
        cores=os.cpu_count() or 1, kernel=f"{platform.system()} {platform.release()}",
        governor=first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"), temperature=temperature(),
        id=identity(),
    )  # fmt: skip


def identity() -> str:
    """A digest of the serial number and of the machine id, which itself may not leave a machine; "" without both."""
    known = [first_line(path) for path in ("/proc/device-tree/serial-number", "/etc/machine-id")]
    return hashlib.sha256("eyespot {} {}".format(*known).encode()).hexdigest()[:12] if any(known) else ""


def temperature() -> float | None:
    """The hottest sensor in degrees Celsius; None where there is none."""
    read = [first_line(path) for path in glob.glob("/sys/class/thermal/thermal_zone*/temp")]  # noqa: PTH207
    known = [int(each) / 1000 for each in read if re.fullmatch(r"-?\d+", each)]
    return max(known, default=None)


def memory(name: str) -> int:
    """A figure of this process in bytes, such as its peak VmHWM; 0 where the system does not say."""
    found = re.search(rf"^{name}:\s*(\d+) kB", text_of("/proc/self/status"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def first_line(path: str) -> str:
    """The first line of a small file, "" if there is none."""
    return text_of(path).replace("\0", "").partition("\n")[0].strip()


def text_of(path: str) -> str:
    """The text of a small file, "" if it cannot be read."""
    with contextlib.suppress(OSError), open(path, errors="replace") as file:  # noqa: PTH123
        return file.read(1 << 20)
    return ""


def main(path: str, text: str) -> None:
    """Supervise, or do the one task that the settings name."""
    settings = json.loads(text)
    if "task" not in settings:
        supervise(path, settings)
        return
    watch(None, [])
    try:
        if settings["memory"]:  # the most address space
            import resource  # POSIX alone has it

            resource.setrlimit(resource.RLIMIT_AS, (settings["memory"],) * 2)
        if settings["task"] == "latency" and runtime()[0]:
            say(latency=latency(path, settings))
        elif settings["task"] == "latency" or shutil.which("benchmark_model"):
            say(printed=program(path, settings), task=settings["task"])
        else:  # LiteRT in Python has no profiler
            say(profile=[])
    except (Exception, SystemExit) as error:
        print(*str(error).split(), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)  # delegates crash when they are unloaded


if __name__ == "__main__":
    main(*sys.argv[1:])
