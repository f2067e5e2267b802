"""A real sshd on loopback, with its own keys and configuration, and the user's side of it."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@dataclass(frozen=True)
class Sshd:
    """A server; what a session of it makes lies under `folder`/tmp."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def left(self) -> list[Path]:
        return sorted((self.folder / "tmp").iterdir())

    def sessions(self) -> list[int]:
        """The processes of its connections."""
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        return [int(each) for each in found.stdout.split()]

    def stop(self) -> None:
        for each in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


def needed() -> str:
    """The path of sshd. A test without it is skipped; in CI that is a failure."""
    if SSHD and shutil.which("ssh") and shutil.which("scp") and shutil.which("ssh-agent"):
        return SSHD
    absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    absent("no sshd: apt-get install openssh-server openssh-client")
    raise AssertionError


def key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def start(folder: Path, user_key: Path, *extra: str) -> Sshd:
    """Start a server on a free port; its sessions find this Python as python3 and have a TMPDIR of their own."""
    (folder / "tmp").mkdir(parents=True)
    (folder / "bin").mkdir()
    script(folder / "bin" / "python3", f'exec {sys.executable} "$@"')
    host_key = key(folder / "host_key")
    shutil.copyfile(f"{user_key}.pub", folder / "authorized_keys")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lines = [
        f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {host_key}", f"PidFile {folder}/pid", "UsePAM no",
        f"AuthorizedKeysFile {folder}/authorized_keys", "StrictModes no", "PermitRootLogin prohibit-password",
        "PasswordAuthentication no", "KbdInteractiveAuthentication no",
        f"SetEnv PATH={folder}/bin:/usr/bin:/bin TMPDIR={folder}/tmp HOME={folder}", *extra,
    ]  # fmt: skip
    (folder / "sshd_config").write_text("\n".join(lines) + "\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it confines itself before a login
    command = [needed(), "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "log")]
    server = Sshd(folder, port, subprocess.Popen(command))
    wait(lambda: reachable(port), "sshd")
    return server


def script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def reachable(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def wait(done, what: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"{what}: not within {seconds:g} s"
        time.sleep(0.05)


def client(folder: Path, servers: dict[str, Sshd], *extra: str) -> dict[str, str]:
    """The user's configuration and known hosts, by way of an ssh and an scp that read them; PATH names these.

    OpenSSH finds the configuration by the user's entry in /etc/passwd, which a test cannot change.
    """
    folder.mkdir()
    known = (f"[127.0.0.1]:{s.port} {(s.folder / 'host_key.pub').read_text()}" for s in servers.values())
    (folder / "known_hosts").write_text("".join(known))
    lines = [f"UserKnownHostsFile {folder}/known_hosts", "GlobalKnownHostsFile /dev/null", "StrictHostKeyChecking yes"]
    for name, server in servers.items():
        lines += [f"Host {name}", "HostName 127.0.0.1", f"Port {server.port}", f"User {getpass.getuser()}"]
    (folder / "config").write_text("\n".join([*extra, "Host *", *lines]) + "\n")
    for tool in ("ssh", "scp"):
        script(folder / tool, f'exec {shutil.which(tool)} -F {folder}/config "$@"')
    return {"PATH": f"{folder}:{os.environ['PATH']}"}
