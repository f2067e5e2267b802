"""Fuzz one target in this process, which `run.py` starts: child.py NAME SECONDS FOLDER.

Atheris mutates inputs and keeps those that reach new code. The input of an exception is saved, one per
line of code that raises, and fuzzing goes on. A crash, a hang or too much memory ends this process.
"""

from __future__ import annotations

import hashlib
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import atheris

PARSERS = [
    "PIL",
    "ai_edge_litert.schema_py_generated",
    "csv",
    "eyespot",
    "flatbuffers",
    "tarfile",
    "tomllib",
    "zipfile",
]
with atheris.instrument_imports(include=PARSERS):
    import fuzzing

Mutate = Callable[[bytes, int, int], bytes | None]


def main(name: str, seconds: str, folder: Path) -> None:
    with atheris.instrument_imports(include=PARSERS):
        target = fuzzing.load(name)
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for data in fuzzing.inputs(name):
        (corpus / hashlib.sha1(data).hexdigest()).write_bytes(data)
    options = {
        "max_total_time": max(1, round(float(seconds) - time.process_time())),
        "timeout": getattr(target, "SECONDS", 10),
        "rss_limit_mb": 0,
        "artifact_prefix": f"{folder}/",
        "print_final_stats": 1,
    }
    arguments = [sys.argv[0], *(f"-{key}={value}" for key, value in options.items()), str(corpus)]
    _limit_memory(getattr(target, "MEMORY", 1 << 30))
    mutator = {"custom_mutator": _mutator(target.mutate)} if hasattr(target, "mutate") else {}
    atheris.Setup(arguments, _judged(target.one, folder), **mutator)
    atheris.Fuzz()


def _limit_memory(growth: int) -> None:
    """Limit the address space to `growth` bytes more than now. What exceeds it gets a MemoryError.

    libFuzzer's own limit counts from the memory of the process that started this one.
    """
    total = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (total + growth, resource.RLIM_INFINITY))


def _mutator(mutate: Mutate) -> Mutate:
    """`mutate`, with Atheris's mutation of the bytes where it returns None."""
    return lambda data, most, seed: mutate(data, most, seed) or atheris.Mutate(data, most)


def _judged(one: Callable[[bytes], None], folder: Path) -> Callable[[bytes], None]:
    """`one`, that saves the inputs of exceptions to the folder."""
    seen = set()

    def judge(data: bytes) -> None:
        try:
            one(data)
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = type(error), frame.filename, frame.lineno
            if place not in seen:
                seen.add(place)
                (folder / f"crash-{hashlib.sha1(data).hexdigest()}").write_bytes(data)
                print(traceback.format_exc().encode(errors="backslashreplace").decode())

    return judge


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
