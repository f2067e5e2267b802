"""`python tests/faults`: commands under kills, full disks and in pairs; prints a table, fails on a finding."""

from __future__ import annotations

import argparse
import functools
import json
import subprocess
import sys
import tempfile
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from watch import why_not
from world import COMMANDS, World, build_data, build_package

COLUMNS = (
    "kills", "reruns", "half-written", "reruns failed", "other bytes", "litter", "orphans", "failures", "messages",
    "pairs", "pairs failed", "waited",
)  # fmt: skip
BAD = {"half-written", "reruns failed", "other bytes", "litter", "orphans", "messages", "pairs failed"}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def main() -> int:
    asked = arguments()
    if reason := why_not():
        print(f"faults: not run: {reason}")
        return 0
    if asked.list:
        print("\n".join(COMMANDS))
        return 0
    names = asked.commands or list(COMMANDS)
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        root = Path(place).resolve()
        handler = functools.partial(Quiet, directory=root)
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            build_package(root, server.server_port)
            build_data(World(root))
            plan = {name: getattr(asked, name) for name in ("operations", "random", "failures", "others", "pairs")}
            rows = run(World(root), {"root": str(root), "commands": names, "plan": plan, "seed": asked.seed})
            server.shutdown()
    return report(rows, len(names))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python tests/faults")
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help="by name (see --list); all by default")
    parser.add_argument("--operations", type=int, default=0, help="kill at so many file operations; 0: each, -1: none")
    parser.add_argument("--random", type=int, default=0, help="kills at random moments, for each command")
    parser.add_argument("--failures", type=int, default=0, help="full disks at so many operations; 0: each, -1: none")
    parser.add_argument("--others", type=int, default=0, help="other errors of disks at so many operations; 0: none")
    parser.add_argument("--pairs", type=int, default=0, help="pairs of processes at once, for each command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="print the names of the commands")
    return parser.parse_args()


def run(world: World, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The tallies, from a process that finds the small zoo as its `eyespot`."""
    rows, began = [], time.monotonic()
    program = [sys.executable, str(Path(__file__).with_name("trials.py"))]
    world.temporary.mkdir(exist_ok=True)
    with subprocess.Popen(
        program, env=world.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(asked))
        process.stdin.close()
        for line in process.stdout:
            rows.append(json.loads(line))
            counts, tally = rows[-1]["counts"], rows[-1]
            print(f"{time.monotonic() - began:7.1f} s  {tally['command']}: {dict(counts)}", file=sys.stderr, flush=True)
            print("".join(f"    {found}\n" for found in tally["found"]), end="", file=sys.stderr, flush=True)
    return rows


def report(rows: list[dict[str, Any]], expected: int) -> int:
    """Print the table; 1 if anything was found."""
    print(f"| command | seconds | file operations | {' | '.join(COLUMNS)} |")
    print("|" + " --- |" * (3 + len(COLUMNS)))
    for row in rows:
        counts = " | ".join(str(row["counts"].get(name, 0)) for name in COLUMNS)
        print(f"| {row['command']} | {row['seconds']:.1f} | {row['operations']} | {counts} |")
    total = [sum(row["counts"].get(name, 0) for row in rows) for name in COLUMNS]
    print(f"| all | | {sum(row['operations'] for row in rows)} | {' | '.join(map(str, total))} |")
    bad = sum(row["counts"].get(name, 0) for row in rows for name in BAD)
    return int(bad > 0 or len(rows) < expected)


if __name__ == "__main__":
    sys.exit(main())
