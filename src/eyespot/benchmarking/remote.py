"""Another machine, over the user's own ssh and scp: their configuration, keys, agent and known hosts decide."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from eyespot import isolation
from eyespot.benchmarking import runner
from eyespot.benchmarking.conversation import Conversation
from eyespot.errors import BadArgumentError, ToolDiedError, ToolStartError

NAME = r"[A-Za-z0-9_][A-Za-z0-9_.\-]*"
OPTIONS = (
    "-o",
    "BatchMode=yes",
    "-o",
    "ConnectTimeout=30",
    "-o",
    "ServerAliveInterval=10",
    "-o",
    "ServerAliveCountMax=3",
)
MARK = "eyespot-folder:"  # login scripts print as well
LONGEST = 120  # seconds that a connection may take
COPY = 600  # seconds that a copy may take
NO_SFTP = r"sftp|subsystem|Connection closed"  # the words of scp where a board has only the older protocol
NO_SSH = "ssh and scp are not on PATH: install OpenSSH's client (on Windows an optional feature of the system)"

# The folder goes when this shell ends, which is also when its standard input closes. If the cable is pulled during the
# copy, that stays open: a second process then ends the shell, and ends with it.
SHELL = """\
d=$(mktemp -d "${{TMPDIR:-/tmp}}/eyespot-XXXXXX") || exit 1
trap 'exit 1' HUP INT TERM PIPE
{keep}trap 'rm -rf "$d"' EXIT
python3 -c '
import os, time
shell, end = os.getppid(), time.time() + {seconds}
while os.getppid() == shell and time.time() < end:
    time.sleep(.5)
os.getppid() == shell and os.kill(shell, 15)' </dev/null >/dev/null 2>&1 &
echo "{mark}$d"
read -r go || exit 1
[ "$go" ] || exit 1
kill $! 2>/dev/null
python3 "$d/runner.py" "$d/model.tflite" {settings}"""


@dataclass(frozen=True, kw_only=True)
class Board:
    """A machine that ssh reaches: `name` is a host, or an alias in the user's configuration."""

    name: str
    user: str = ""
    port: int | None = None

    @property
    def destination(self) -> str:
        """As ssh takes it."""
        return f"{self.user}@{self.name}" if self.user else self.name

    def ssh(self, command: str) -> list[str]:
        """The command that runs another one there."""
        port = ["-p", str(self.port)] if self.port else []
        return ["ssh", "-T", *OPTIONS, *port, "--", self.destination, command]

    def scp(self, *files: Path, folder: str, old: bool) -> list[str]:
        """The command that copies files there; `old` is the protocol without SFTP."""
        port = ["-P", str(self.port)] if self.port else []
        host = f"[{self.name}]" if ":" in self.name else self.name
        target = f"{self.user}@{host}" if self.user else host
        options = [*OPTIONS, *port, *(["-O"] if old else [])]
        return ["scp", "-q", *options, "--", *map(str, files), f"{target}:{folder}/"]


def board(address: str) -> Board:
    """The machine that ssh://[user@]host[:port] names. BadArgumentError for any other form."""
    problem = BadArgumentError(f"on: expected ssh://user@board[:port], found {address!r}")
    try:
        parts = urlsplit(address)
        name, user, port = parts.hostname or "", parts.username or "", parts.port
    except ValueError:
        raise problem from None
    name = name if ":" in name else parts.netloc.rpartition("@")[2].partition(":")[0]  # hostname is in lower case
    of_host = re.fullmatch(NAME, name) or re.fullmatch(r"[0-9a-f:.]+(%[\w.]+)?", name)
    extra = parts.path.strip("/") or parts.query or parts.fragment or parts.password is not None
    if parts.scheme != "ssh" or not of_host or extra or not re.fullmatch(f"({NAME})?", user):
        raise problem
    return Board(name=name, user=user, port=port)


@contextlib.contextmanager
def runner_on(target: Board, data: bytes, settings: str, *, keep: bool) -> Iterator[Conversation]:
    """The runner with a file on another machine, in a folder that goes when it ends, unless `keep`."""
    if not shutil.which("ssh") or not shutil.which("scp"):
        raise ToolStartError(NO_SSH)
    shell = f"exec sh -c {shlex.quote(script(settings, keep=keep))}"
    with Conversation(target.ssh(shell), f"ssh {target.destination}") as there:
        folder = next((found for line in there.lines(LONGEST) if (found := _folder(line))), None)
        if not folder:
            raise there.died()
        with tempfile.TemporaryDirectory() as temporary:
            files = (Path(temporary) / "model.tflite", Path(temporary) / "runner.py")
            files[0].write_bytes(data)
            shutil.copyfile(runner.__file__, files[1])
            _copy(target, files, folder)
        there.write(b"go\n")
        yield there


def script(settings: str, *, keep: bool, seconds: float = LONGEST + 2 * COPY) -> str:
    """What a shell there does; `seconds` is how long the files may take to come."""
    return SHELL.format(keep="# " if keep else "", mark=MARK, seconds=seconds, settings=shlex.quote(settings))


def _folder(line: str) -> str:
    found = re.fullmatch(rf"{MARK}(/[\w./\-]+)", line.strip())
    return found[1] if found else ""


def _copy(target: Board, files: tuple[Path, ...], folder: str) -> None:
    """ToolDiedError with scp's last words if it fails; boards without an SFTP server get the older protocol."""
    for old in (False, True):
        argv = target.scp(*files, folder=folder, old=old)
        done = isolation.command(argv, seconds=COPY, name=f"scp to {target.destination}")
        if not done.returncode:
            return
        if not re.search(NO_SFTP, done.stdout):
            break
    raise ToolDiedError(f"scp to {target.destination}: {' '.join(done.stdout.split())[-300:]}")
