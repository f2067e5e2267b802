"""Training by several processes, on this machine. torchrun really starts them."""

from __future__ import annotations

import csv
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import ranked  # noqa: E402
from eyespot.errors import BadFileError, RefusedError  # noqa: E402
from eyespot.tflite.read import read  # noqa: E402
from eyespot.training import qat, ranks  # noqa: E402
from eyespot.training.pictures import Pictures, mapped  # noqa: E402
from eyespot.verbs.train import train  # noqa: E402
from eyespot.zoo import registry  # noqa: E402
from pictures import write_folder  # noqa: E402

PROGRAM = str(Path(ranked.__file__))
GONE = "one of 2 processes ended, so all do; the same command continues"


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def start(*words) -> subprocess.Popen:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    place = ("--nproc-per-node", "2", "--master-addr", "127.0.0.1", "--master-port", port)
    command = [sys.executable, "-m", "torch.distributed.run", *place, *map(str, words)]
    path = os.pathsep.join([str(Path(PROGRAM).parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    )


def finished(running) -> tuple[int, str, list[str]]:
    """Exit code, stdout and our lines of stderr."""
    out, err = running.communicate(timeout=200)
    return running.returncode, out, [line for line in err.splitlines() if line.startswith(("eyespot: ", "[rank"))]


@pytest.mark.slow
def test_two_processes_have_the_losses_of_one(tmp_path):
    """Of a teacher, its student, norms from random weights, dropout, and unequal parts of unbalanced classes."""
    code, _, lines = finished(start(PROGRAM, tmp_path, "train", 0))
    assert (code, lines) == (0, [])
    both = json.loads((tmp_path / "losses.json").read_text())
    for name in ranked.RECIPES:
        assert np.allclose(both[name], ranked.losses(name, tmp_path / "alone"), rtol=0, atol=1e-5), name


@pytest.mark.slow
def test_the_command_runs_in_two_processes_and_one_continues(no_data, tmp_path):
    write_folder(tmp_path / "photos", 100)
    options = {"data": str(tmp_path / "photos"), "layers": "all", "epochs": 2}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    code, out, lines = finished(
        start("-m", "eyespot", "train", "tiny-resnet", *words, "--out", tmp_path / "two", "--json")
    )
    assert code == 0
    assert [line for line in lines if "in each of 2 processes" in line]
    assert len(lines) == 2, "one process speaks"
    found = json.loads(out)
    assert found["folder"] == str(tmp_path / "two")
    assert not [name for name in os.listdir(tmp_path / "two") if name.startswith(".")]
    alone = train("tiny-resnet", out=tmp_path / "one", threads=1, **options)
    assert abs(alone.validation_top1 - found["validation_top1"]) < 0.2
    one, two = (losses(tmp_path / name) for name in ("one", "two"))
    assert np.allclose(one, two, atol=5e-3), "in bfloat16 each process rounds its own gradients"
    again = train("tiny-resnet", out=tmp_path / "two", threads=1, **options)
    assert again.weights.sha256 == found["weights"]["sha256"]


def losses(folder):
    with (folder / "run.csv").open(newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "rank", "message"),
    [
        ("killed", 0, GONE),
        ("killed", 1, GONE),
        ("error", 0, "the file of one"),
        ("error", 1, "the file of one"),
        ("many", 0, "2 processes share a batch of 1; start at most 1"),
    ],
)
def test_all_end_with_one_line(tmp_path, what, rank, message):
    started = time.monotonic()
    code, out, lines = finished(start(PROGRAM, tmp_path, what, rank))
    assert (code, out, lines) == (1, "", [f"eyespot: {message}"])
    assert time.monotonic() - started < 60


@pytest.mark.slow
def test_ctrl_c_ends_all_with_one_line(tmp_path):
    running = start(PROGRAM, tmp_path, "forever", 0)
    while not (tmp_path / "started").exists():
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    assert finished(running)[1:] == ("", ["eyespot: stopped"])


def test_one_process_is_alone(monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"}.items():
        monkeypatch.setenv(name, value)
    with ranks.joined("cpu", None):
        assert ranks.size() == 1
        assert ranks.together(ranks.part) == slice(None)
        assert ranks.computing() is None
        ranks.check_batch(1)
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_more_processes_than_gpus_are_refused(monkeypatch, device):
    for name, value in {"RANK": "0", "WORLD_SIZE": "99", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "99"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RefusedError, match=rf"--device {device}: 99 processes, but \d+ GPUs"), ranks.joined(device, 1):
        pass


def test_pictures_travel_by_their_path(tmp_path):
    path = tmp_path / "a.pixels"
    path.write_bytes(bytes(range(24)))
    some = Pictures(file=mapped(path), shape=(2, 2, 3), rows=np.array([1]))
    sent = pickle.dumps(some)
    assert torch.equal(pickle.loads(sent)[:], some[:])
    path.rename(tmp_path / "kept")  # so that its inode is not given to another
    with pytest.raises(BadFileError, match=r"a\.pixels: no such file; the machines of a training share"):
        pickle.loads(sent)
    path.write_bytes(bytes(24))
    with pytest.raises(BadFileError, match=r"a\.pixels: another training replaced it"):
        pickle.loads(sent)


def test_a_network_of_an_int8_file_travels():
    network = qat.Levels(read(registry.find("tiny-resnet:float32")), read(registry.find("tiny-resnet")))
    x = torch.rand(2, 3, 32, 32) * 255 - 128
    assert torch.equal(pickle.loads(pickle.dumps(network))(x), network(x))
