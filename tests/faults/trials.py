"""Kill a command, fill its disk, start it twice: then look at its files, repeat it and look again."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from watch import KILL, NEEDS_SPACE, Decide, Operation, Outcome, Started, let_all
from world import Command, World

PARTIAL = re.compile(r"^\.(.*)\.[^.]{8}\.partial$")
SPEED = re.compile(r'\\*"(images_per_second\\*": [-+.\de]+|digest\\*": \\*"[\da-f]{64})')
Tree = dict[str, str]


@dataclass
class Tally:
    """What was tried with a command, and what was found."""

    command: str
    seconds: float = 0.0
    operations: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)

    def note(self, kind: str, where: str, words: str) -> None:
        self.counts[kind] += 1
        self.found.append(f"{self.command}: {kind}: {where}: {words}")


class Trials:
    """Trials of one command, which start from the same files again and again."""

    def __init__(self, world: World, command: Command) -> None:
        self.world, self.command = world, command
        self.tally = Tally(command.name)
        self.start = world.root / "states" / re.sub(r"\W+", "-", " ".join(("after", *command.after, command.without)))
        if not self.start.exists():
            self._prepare()
        self.allowed: dict[str, set[str]] = {}
        self.repeated: set[frozenset[tuple[str, str]]] = set()
        self.reference = self._refer()

    def _prepare(self) -> None:
        """Keep the files that the command begins with."""
        self._reset(self.world.root / "start")
        for line in self.command.after:
            done = self._run(line)
            assert done.code == 0, f"{line}: {done.err}"
        if self.command.without:
            shutil.rmtree(self.world.data / self.command.without)
        for folder in (self.world.work, self.world.data):
            shutil.copytree(folder, self.start / folder.name)

    def _reset(self, start: Path | None = None) -> None:
        for folder in self.world.folders:
            shutil.rmtree(folder, ignore_errors=True)
            source = (start or self.start) / folder.name
            shutil.copytree(source, folder) if source.exists() else folder.mkdir()

    def _run(self, line: str = "", decide: Decide | None = None, kill_after: float | None = None) -> Outcome:
        started = Started(self._function(line), self.world.root / "log", watched=decide is not None)
        return started.wait(self.world.folders, decide or let_all, kill_after)

    def _function(self, line: str = "") -> Callable[[], int]:
        words = self.world.words(line or self.command.words)

        def function() -> int:
            from eyespot.cli import main

            os.chdir(self.world.work)
            return main(words)

        return function

    def _refer(self) -> Tree:
        """The files after an undisturbed run, as the plain command leaves them too."""
        self._reset()
        self.allowed = {path: {digest} for path, digest in self._tree().items()}
        done = self._run(decide=self._remember)
        assert done.code == 0, f"{self.command.name}: {done.err}"
        self.operations, self.tally.operations, self.tally.seconds = done.operations, len(done.operations), done.seconds
        if done.orphans:
            self.tally.note("orphans", "undisturbed", str(done.orphans))
        reference = self._tree()
        for path, digest in reference.items():
            self.allowed.setdefault(path, set()).add(digest)
        self._reset()
        words = [sys.executable, "-m", "eyespot", *self.world.words(self.command.words)]
        plain = subprocess.run(words, cwd=self.world.work, capture_output=True, text=True, check=False)
        assert plain.returncode == 0, plain.stderr
        self._compare(reference, "the plain command")
        return reference

    def _remember(self, _: int, operation: Operation) -> int:
        """Whatever gets its final name in the undisturbed run is whole."""
        if operation.name == "rename" and operation.target:
            moved = [operation.path] if operation.path.is_file() else operation.path.rglob("*")
            for path in (each for each in moved if each.is_file()):
                final = operation.target / path.relative_to(operation.path)
                name = final.relative_to(self.world.root).as_posix()
                self.allowed.setdefault(name, set()).add(digest(path, final.name))
        return 0

    def _tree(self) -> Tree:
        """The digest of every file in the current folder and the data root."""
        files = (path for folder in (self.world.work, self.world.data) for path in sorted(folder.rglob("*")))
        return {p.relative_to(self.world.root).as_posix(): digest(p, p.name) for p in files if p.is_file()}

    def _compare(self, reference: Tree, where: str) -> None:
        tree = self._tree()
        differing = sorted(path for path in tree if path in reference and tree[path] != reference[path])
        lacking, surplus = sorted(reference.keys() - tree.keys()), sorted(tree.keys() - reference.keys())
        hidden = [path for path in surplus if is_hidden(path)]
        if hidden:
            self.tally.note("litter", where, ", ".join(hidden))
        if rest := [*differing, *lacking, *(path for path in surplus if path not in hidden)]:
            self.tally.note("other bytes", where, ", ".join(rest))

    def _check_finals(self, where: str) -> None:
        """Every file under a final name is whole: an earlier version, or one of the undisturbed run."""
        for path, sha256 in self._tree().items():
            if not is_hidden(path) and sha256 not in self.allowed.get(path, ()):
                self.tally.note("half-written", where, path)

    def _check_repeat(self, where: str) -> None:
        """The same command succeeds, unless it did from the very same files before."""
        state = self._state()
        if state in self.repeated:
            return
        again, before = self._run(), len(self.tally.found)
        self.tally.counts["reruns"] += 1
        if again.code:
            self.tally.note("reruns failed", where, again.err.strip()[-300:])
        else:
            self._compare(self.reference, where)
        if len(self.tally.found) == before:
            self.repeated.add(state)

    def _state(self) -> frozenset[tuple[str, str]]:
        """Every folder and file with its bytes; the random part of a partial file's name does not matter."""
        paths = (path for folder in (self.world.work, self.world.data) for path in folder.rglob("*"))
        return frozenset(
            (re.sub(r"\.[^.]{8}\.partial$", ".partial", str(p)), digest(p, p.name) if p.is_file() else "")
            for p in paths
        )

    def kill_at(self, number: int) -> None:
        """Kill it before its operation `number`."""
        self._reset()
        done = self._run(decide=lambda n, _: KILL if n == number else 0)
        self._judge_kill(done, f"killed at {self._named(number)}")

    def kill_after(self, seconds: float) -> None:
        """Kill it at a moment."""
        self._reset()
        done = self._run(kill_after=seconds)
        self._judge_kill(done, f"killed after {seconds:.3f} s")

    def _judge_kill(self, done: Outcome, where: str) -> None:
        self.tally.counts["kills"] += 1
        if done.orphans:
            self.tally.note("orphans", where, str(done.orphans))
        self._check_finals(where)
        self._check_repeat(where)

    def fail_at(self, number: int, error: int = errno.ENOSPC) -> None:
        """Let operation `number` and all later ones that need space (or, unless the disk is full, a sync) fail."""
        self._reset()
        failed: list[Operation] = []

        def decide(n: int, operation: Operation) -> int:
            if n < number or operation.name not in (NEEDS_SPACE if error == errno.ENOSPC else NEEDS_SPACE | {"fsync"}):
                return 0
            failed.append(operation)
            return error

        done = self._run(decide=decide)
        where = f"{errno.errorcode[error]} at {self._named(number)}"
        self.tally.counts["failures"] += 1
        if not failed:
            return
        self.judge_message(done, where, failed)
        self._check_finals(where)
        self._check_repeat(where)

    def judge_message(self, done: Outcome, where: str, failed: Iterable[Operation]) -> None:
        """One line that names a file."""
        names = {final(operation.target or operation.path) for operation in failed}
        names |= {parent for path in names for parent in path.parents if self._watches(parent)}
        lines = done.err.splitlines()
        named = any(str(path) in done.err or relative(path, self.world.work) in done.err for path in names)
        if done.orphans:
            self.tally.note("orphans", where, str(done.orphans))
        said = len(lines) == 1 and lines[0].startswith("eyespot: ") and named
        if done.code == 0:
            if self._tree() != self.reference and not said:  # an evaluation is shown although it cannot be kept
                self.tally.note("messages", where, "exit code 0")
        elif done.code != 1 or not said:
            self.tally.note("messages", where, f"exit code {done.code}: {done.err.strip()[-400:]}")

    def pair(self, delay: float) -> None:
        """Start it twice in one folder."""
        self._reset()
        logs = [self.world.root / f"log{i}" for i in (1, 2)]
        self.tally.counts["pairs"] += 1
        first = Started(self._function(), logs[0])
        second = Started(_after(delay, self._function()), logs[1])
        ends = [started.wait_alone() for started in (first, second)]
        for number, done in enumerate(ends, start=1):
            if done.code:
                self.tally.note("pairs failed", f"delay {delay:.3f} s", f"{number}: {done.err.strip()[-300:]}")
            self.tally.counts["waited"] += "waiting" in done.err
        self._compare(self.reference, f"pair, delay {delay:.3f} s")

    def _watches(self, path: Path) -> bool:
        return any(path.is_relative_to(folder) for folder in self.world.folders)

    def _named(self, number: int) -> str:
        operation = self.operations[number - 1]
        places = [operation.path, *([operation.target] if operation.target else [])]
        return f"{number} {operation.name} {' -> '.join(relative(each, self.world.root) for each in places)}"


def _after(delay: float, function: Callable[[], int]) -> Callable[[], int]:
    def delayed() -> int:
        import time

        time.sleep(delay)
        return function()

    return delayed


def relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder)


def is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in Path(path).parts)


def final(path: Path) -> Path:
    """The final name of a partial file."""
    found = PARTIAL.match(path.name)
    return path.with_name(found[1]) if found else path


def digest(path: Path, name: str) -> str:
    """Of a file's bytes, except the speed of each epoch, which is a measurement, and a digest that covers it."""
    data = path.read_bytes()
    if name == "run.csv":
        data = b"\n".join(line.rpartition(b",")[0] for line in data.splitlines())
    if name == "checkpoint.safetensors":
        with contextlib.suppress(ValueError):  # half-written
            size = int.from_bytes(data[:8], "little")
            data = SPEED.sub("", data[8 : 8 + size].decode()).rstrip().encode() + data[8 + size :]
    return hashlib.sha256(data).hexdigest()


def spread(count: int, total: int) -> list[int]:
    """`count` of the numbers 1 to `total`, evenly spread; all of them for a count of 0."""
    if not count or count >= total:
        return list(range(1, total + 1))
    return sorted({1 + round(i * (total - 1) / max(1, count - 1)) for i in range(count)})


def run_all(world: World, command: Command, plan: dict[str, int], seed: int) -> Tally:
    """All trials of a command. `plan` counts kills at operations (0: all), at random, failures (0: all), pairs."""
    trials, numbers = Trials(world, command), random.Random(f"{seed} {command.name}")
    total = len(trials.operations)
    if plan["operations"] >= 0:
        for number in spread(plan["operations"], total):
            trials.kill_at(number)
    for _ in range(plan["random"]):
        trials.kill_after(numbers.uniform(0, trials.tally.seconds))
    if plan["failures"] >= 0:
        needing = [n for n, each in enumerate(trials.operations, start=1) if each.name in NEEDS_SPACE]
        for index in spread(plan["failures"], len(needing)):
            trials.fail_at(needing[index - 1])
    for error in (errno.EIO, errno.EROFS, errno.EACCES) if plan["others"] else ():
        for number in spread(plan["others"], total):
            trials.fail_at(number, error)
    for _ in range(plan["pairs"]):
        trials.pair(numbers.choice([0.0, numbers.uniform(0, trials.tally.seconds)]))
    return trials.tally


def main() -> None:
    """Run the trials of the commands that standard input names; print a tally in each line."""
    import preload
    from watch import become_subreaper
    from world import COMMANDS

    asked = json.load(sys.stdin)
    preload.imports()
    become_subreaper()
    os.umask(0o022)
    for name in asked["commands"]:
        tally = run_all(World(Path(asked["root"])), COMMANDS[name], asked["plan"], asked["seed"])
        print(json.dumps(vars(tally)), flush=True)


if __name__ == "__main__":
    main()
