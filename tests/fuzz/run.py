"""Fuzz the targets, two at a time, and say what was tried and found; exit code 1 if anything was.

build/fuzz/NAME gets the findings (crash-*, timeout-*), corpus/ and the log; build/fuzz/result.json
the table. A process that ends early is started again for the rest of its time, a few times.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import fuzzing

FOUND = fuzzing.FOLDER.parents[1] / "build" / "fuzz"
AT_ONCE, STARTS = 2, 5


@dataclass(frozen=True)
class Result:
    """`edges` of the code that were reached; `slowest` input in whole seconds, `megabytes` at the peak."""

    target: str
    inputs: int
    edges: int
    per_second: int
    slowest: int
    megabytes: int
    findings: tuple[str, ...]


def fuzz(name: str, seconds: float) -> Result:
    """Fuzz one target for that long; to start takes a part of it, but fuzzing gets at least 1 s."""
    folder = FOUND / name
    folder.mkdir(parents=True, exist_ok=True)
    for each in _findings(folder):
        each.unlink()
    end, logs, died = time.monotonic() + seconds, list[str](), list[str]()
    while not logs or (time.monotonic() < end and len(logs) < STARTS):
        before = len(_findings(folder))
        code, log = _child(name, end - time.monotonic(), folder)
        logs.append(log)
        if code and len(_findings(folder)) == before:
            died.append(f"exit code {code}: {log.strip().splitlines()[-1]}")
    (folder / "log.txt").write_text("\n".join(logs), "utf-8")
    return _result(name, logs, [*map(str, _findings(folder)), *died])


def _child(name: str, seconds: float, folder: Path) -> tuple[int, str]:
    """The exit code and the output of a process that fuzzes; its temporary files are in memory."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    command = [sys.executable, fuzzing.FOLDER / "child.py", name, str(seconds), folder]
    with tempfile.TemporaryDirectory(dir=memory) as temporary:
        env = {**os.environ, "TMPDIR": temporary}
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, env=env)
    return done.returncode, done.stdout.decode(errors="replace")


def _findings(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.name.startswith(("crash-", "timeout-")))


def _result(name: str, logs: list[str], findings: list[str]) -> Result:
    """What libFuzzer's logs say."""

    def most(pattern: str) -> int:
        return max((int(number) for log in logs for number in re.findall(pattern, log)), default=0)

    return Result(
        target=name,
        inputs=sum(
            max(map(int, re.findall(r"(?m)^(?:#|stat::number_of_executed_units: )(\d+)", log)), default=0)
            for log in logs
        ),
        edges=most(r"cov: (\d+)"),
        per_second=most(r"average_exec_per_sec: +(\d+)"),
        slowest=most(r"slowest_unit_time_sec: +(\d+)"),
        megabytes=most(r"peak_rss_mb: +(\d+)"),
        findings=tuple(findings),
    )


def main() -> int:
    """Fuzz the targets named in the arguments, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=fuzzing.NAMES, help="targets; all if left out")
    parser.add_argument("--minutes", type=float, default=10, help="for all of them together (default: 10)")
    asked = parser.parse_args()
    seconds = asked.minutes * 60 * min(AT_ONCE, len(asked.names)) / len(asked.names)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(lambda name: fuzz(name, seconds), asked.names))
    (FOUND / "result.json").write_text(json.dumps([asdict(each) for each in results], indent=1), "utf-8")
    print(*_table(results), sep="\n")
    return any(each.findings for each in results)


def _table(results: list[Result]) -> Iterator[str]:
    yield f"{'target':20}{'inputs':>12}{'edges':>8}{'inputs/s':>10}{'slowest s':>11}{'peak MB':>9}{'findings':>10}"
    for r in results:
        numbers = f"{r.inputs:12,}{r.edges:8,}{r.per_second:10,}{r.slowest:11}{r.megabytes:9,}{len(r.findings):10}"
        yield f"{r.target:20}{numbers}"
    yield f"{'together':20}{sum(r.inputs for r in results):12,}"
    yield from (f"python tests/fuzz/fuzzing.py {r.target} {finding}" for r in results for finding in r.findings)


if __name__ == "__main__":
    sys.exit(main())
