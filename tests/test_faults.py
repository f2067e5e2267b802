"""Kills, full disks, forbidden folders and two processes at once; `make faults` tries every file operation."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).with_name("faults")))

from watch import why_not

from eyespot.artifacts import atomic, lock
from eyespot.zoo import registry

FAULTS = Path(__file__).with_name("faults")


@pytest.mark.slow
@pytest.mark.skipif(bool(why_not()), reason=why_not())
@pytest.mark.parametrize(
    ("commands", "plan"),
    [
        (["quantize", "export --to folder", "evaluate"], "--operations 5 --random 2 --failures 2"),
        (["train --layers all"], "--operations 3 --random 1 --failures 1"),
        (["make"], "--operations 3 --random 1 --failures 1"),
    ],
)
def test_nothing_is_lost(commands: list[str], plan: str) -> None:
    pytest.importorskip("torch")
    words = [sys.executable, str(FAULTS), *plan.split(), "--pairs", "1", *commands]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{done.stdout}"
    assert done.stdout.count("\n") == 3 + len(commands)


def test_a_write_removes_what_a_kill_left(tmp_path: Path) -> None:
    code = "import os, sys, pathlib; from eyespot.artifacts.atomic import replacing\n" \
        "with replacing(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), 9)"  # fmt: skip
    subprocess.run([sys.executable, "-c", code, tmp_path / "a"], check=False)
    (tmp_path / ".b.12345678.partial").write_text("of another file")
    assert len(os.listdir(tmp_path)) == 2
    with atomic.replacing(tmp_path / "a") as partial:
        partial.write_text("new")
        atomic.write(tmp_path / "a", "meanwhile")  # by another writer, who leaves our temporary file alone
    assert sorted(os.listdir(tmp_path)) == [".b.12345678.partial", "a"]
    assert (tmp_path / "a").read_text() == "new"


def test_a_second_process_waits_and_says_so(tmp_path: Path) -> None:
    code = "import sys, pathlib; from eyespot.artifacts.lock import held\n" \
        "with held(pathlib.Path(sys.argv[1])): print('in')"  # fmt: skip
    folder = tmp_path / "new"
    words = [sys.executable, "-c", code, str(folder)]
    with lock.held(folder), lock.held(Path(os.path.relpath(folder))):
        second = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert second.stderr
        assert second.stderr.readline() == f"eyespot: {folder}: another eyespot is at work there; waiting for it\n"
        assert second.poll() is None
    assert second.communicate(timeout=30)[0] == "in\n"
    assert not list(folder.glob("*"))


def test_a_folder_to_which_nothing_is_written_is_not_left(tmp_path: Path) -> None:
    with lock.held(tmp_path / "a"):
        assert (tmp_path / "a").is_dir()
    with lock.held(tmp_path / "b"):
        atomic.write(tmp_path / "b" / "file", "")
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["b", "file"]


# --- places that cannot be written or read, and disks that are full, for real

CAPABILITIES = (1, 2, 3)  # root's rights to override permissions


def unprivileged() -> None:
    """Before a program starts: take from root what other users do not have."""
    for each in CAPABILITIES if os.geteuid() == 0 else ():
        ctypes.CDLL(None).prctl(24, each, 0, 0, 0)


def fails(*words: str, **environment: str) -> str:
    """The one line that a command fails with."""
    done = subprocess.run(
        [sys.executable, "-m", "eyespot", *words], capture_output=True, text=True, check=False,
        preexec_fn=unprivileged, env={**os.environ, **environment},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    return done.stderr.removeprefix("eyespot: ").strip()


WRITES = [
    "export tiny-resnet --to folder",
    "make tiny-resnet",
    "compile tiny-resnet --device imx93",
    "measure tiny-resnet",
]


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no mount here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("words", WRITES)
def test_a_full_disk(words: str, full_disk: Path, no_data: Path) -> None:
    (full_disk / "filling").write_bytes(bytes(56 << 10))
    said = fails(*words.split(), "--out", str(full_disk / "out"))
    assert said.startswith(str(full_disk / "out"))
    assert said.endswith("not written: No space left on device. Free some space and repeat.")
    assert not [path for path in full_disk.rglob("*") if path.name.startswith(".")]


@pytest.mark.parametrize("words", WRITES)
def test_a_folder_that_may_not_be_written(words: str, tmp_path: Path, no_data: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o555)
    said = fails(*words.split(), "--out", str(tmp_path / "shut"))
    assert said == f"{tmp_path}/shut: not written: Permission denied. Choose a place that you may write to."


@pytest.mark.parametrize("words", ["evaluate tiny-resnet", "fetch cifar-10", "measure tiny-resnet", "report"])
def test_a_data_root_that_may_not_be_read(words: str, no_data: Path) -> None:
    no_data.mkdir(mode=0o000)
    said = fails(*words.split())
    assert str(no_data) in said
    assert "Permission denied" in said


def test_a_file_that_may_not_be_read(tmp_path: Path, no_data: Path) -> None:
    copied = Path(shutil.copy(registry.find("tiny-resnet"), tmp_path))
    copied.chmod(0o000)
    assert fails("check", str(copied)) == f"{copied}: cannot be read: Permission denied"


def test_commands_that_only_read_need_no_lock(tmp_path: Path, no_data: Path) -> None:
    copied = Path(shutil.copy(registry.find("tiny-resnet"), tmp_path))
    tmp_path.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-m", "eyespot", "check", str(copied), "--device", "imxrt1050"], preexec_fn=unprivileged,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_build_removes_the_lock_that_a_kill_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from eyespot.quantization.engine import build
    from eyespot.zoo import registry

    monkeypatch.setenv("EYESPOT_DATA", str(tmp_path))
    home = registry.home("mobilenet-v1")
    home.mkdir(parents=True)
    for name in ("float32.tflite", "int8.tflite"):
        for end in ("", ".json"):
            (home / (name + end)).write_bytes((registry.home("tiny-resnet") / (name + end)).read_bytes())
    (home / ".eyespot.lock").touch()
    build("mobilenet-v1")
    assert not (home / ".eyespot.lock").exists()
