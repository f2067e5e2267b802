"""Two fetches at once in one data root: one waits, both succeed. PAIRS=50 in the environment tries 50 pairs."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from test_fetch import left_over, pack, vww_training
from test_fetch import tiny_cifar as tiny_cifar

PAIRS = int(os.environ.get("PAIRS", "2"))

DOWNLOAD = """
import sys
from test_fetch import tiny_card
from eyespot.data.fetch import fetch
from eyespot.zoo.cards import Download

assert sum(fetch(tiny_card(Download(url=sys.argv[1], digest=sys.argv[2]))).splits.values()) == 120
"""
LOCATE = """
import sys
from dataclasses import replace
from eyespot.weights import published
from eyespot.zoo import registry
from eyespot.zoo.cards import Download

weights = replace(registry.model("tiny-resnet").weights[0], download=Download(url=sys.argv[1], digest=sys.argv[2]))
assert published.locate(weights).stat().st_size > 1000
"""


def run_pair(root: Path, *arguments: str) -> None:
    """The same program twice at the same time; both succeed."""
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    env = {**os.environ, "EYESPOT_DATA": str(root), "PYTHONPATH": paths}
    pair = [subprocess.Popen([sys.executable, *arguments], env=env, stderr=subprocess.PIPE) for _ in range(2)]
    said = [each.communicate()[1].decode() for each in pair]
    assert [each.returncode for each in pair] == [0, 0], said


@pytest.mark.slow
@pytest.mark.parametrize("pair", range(PAIRS))
def test_from_a_copy(pair: int, tmp_path: Path) -> None:
    source = pack(vww_training(tmp_path), tmp_path / "a.gz")
    run_pair(tmp_path / "root", "-m", "eyespot", "fetch", "vww", "--from", str(source))
    assert left_over(tmp_path / "root") == ["vww"]


@pytest.mark.slow
@pytest.mark.parametrize("pair", range(PAIRS))
@pytest.mark.parametrize(("program", "left"), [(DOWNLOAD, "cifar-10"), (LOCATE, "published")])
def test_downloads(program: str, left: str, pair: int, tiny_cifar: Path, tmp_path: Path) -> None:
    archive = pack(tiny_cifar, tmp_path / "served.gz")
    digest = f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}"
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        url = f"http://127.0.0.1:{server.server_port}/{archive.name}"
        run_pair(tmp_path / "root", "-c", program, url, digest)
        server.shutdown()
    assert left_over(tmp_path / "root") == [left]
