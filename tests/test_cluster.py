"""--cluster: a real Ray cluster on 127.0.0.1, whose nodes fail, differ and die."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import eyespot
import isolated_functions as f
from eyespot import errors
from eyespot.artifacts import places
from eyespot.artifacts.model_folder import WEIGHTS
from eyespot.evaluation.cluster import Cluster
from pictures import write_folder
from sweeps import needs_tune

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
GIB = 1 << 30
NODE = {"node_ip_address": "127.0.0.1", "object_store_memory": 100 << 20, "include_dashboard": False}
HEALTH = {"initial_delay_ms": "500", "period_ms": "500", "timeout_ms": "2000", "failure_threshold": "2"}


@pytest.fixture(scope="module")
def unanswered() -> Iterator[subprocess.Popen[str]]:
    """A command whose address takes connections and never answers; other tests run meanwhile."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        command("evaluate", "tiny-resnet", "--cluster", f"127.0.0.1:{server.getsockname()[1]}") as running,
    ):
        yield running
        running.kill()


@pytest.fixture(scope="module")
def ray_cluster(unanswered) -> Iterator[Any]:
    """A head without a core, which notices within seconds that a node has died."""
    if find_spec("ray") is None:
        absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        absent("no Ray: pip install --constraint constraints.txt '.[ray]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # nodes may be bound to 127.0.0.1
        for name, value in HEALTH.items():
            patch.setenv(f"RAY_health_check_{name}", value)
        path = (str(places.PACKAGE.parent), str(HERE), os.environ.get("PYTHONPATH"))
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
        from ray.cluster_utils import Cluster as RayCluster

        started = RayCluster(initialize_head=True, head_node_args={"num_cpus": 0, **NODE})
        yield started
        started.shutdown()


@pytest.fixture
def add_node(ray_cluster) -> Iterator[Callable[..., Any]]:
    """Add a node of one core, to a cluster without any, with these variables in its environment."""

    def clear() -> None:
        for node in list(ray_cluster.worker_nodes):
            ray_cluster.remove_node(node)

    clear()
    yield lambda **environment: ray_cluster.add_node(num_cpus=1, env_vars=environment, **NODE)
    clear()


@pytest.fixture
def address(ray_cluster) -> str:
    """Of a cluster of two cores on two nodes, which stay for the next test."""
    while len(ray_cluster.worker_nodes) < 2:
        ray_cluster.add_node(num_cpus=1, **NODE)
    return str(ray_cluster.address)


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """500 pictures, 50 of them different, whose classes are numbers."""
    folder = tmp_path_factory.mktemp("photos")
    write_folder(folder, 50)
    pictures = sorted(folder.rglob("*.png"))
    for i in range(500):
        os.link(pictures[i % 50], folder / f"{i}.png")
    rows = "".join(f"{i}.png,{i % 10}\n" for i in range(500))
    (folder / "labels.csv").write_text("file,class_index\n" + rows)
    return folder


def command(*words: object, cwd: Path | None = None) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "eyespot", *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, stdout=pipe, stderr=pipe, text=True, process_group=0, cwd=cwd)


def test_results_equal_those_of_this_machine(address, photos):
    """As one JSON document, with nothing beside it; a relative folder is found on the nodes."""
    words = ("evaluate", "tiny-resnet", "--data", photos.name, "--json")
    here, there = (command(*words, *more, cwd=photos.parent).communicate() for more in ((), ("--cluster", address)))
    assert there == here
    assert here[1] == ""


def test_quantizing_measures_the_same(address, real_data, tmp_path):
    real_data("cifar-10")
    words = ("quantize", "tiny-resnet", "--images", 70, "--out", "int8", "--json")
    said = []
    for place, more in (("here", ()), ("there", ("--cluster", address))):
        (tmp_path / place).mkdir()
        said.append(command(*words, *more, cwd=tmp_path / place).communicate())
    assert said[0] == said[1]
    assert json.loads(said[0][0])["validation"]["n"] > 4_000
    files = [(tmp_path / place / "int8" / "int8.tflite").read_bytes() for place in ("here", "there")]
    assert files[0] == files[1]


def test_a_killed_node_costs_its_spans_only(ray_cluster, address, tmp_path):
    log = tmp_path / "log"
    with Cluster(address, memory=GIB) as cluster:
        assert len(cluster) == 2
        answers = cluster.open(f.open_logging, str(log))(range(24))
        assert [next(answers) for _ in range(8)] == list(range(8))  # by now both work
        ray_cluster.remove_node(next(iter(ray_cluster.worker_nodes)), allow_graceful=False)
        assert list(answers) == list(range(8, 24))
    times = Counter(log.read_text().split())
    assert times.keys() == {str(i) for i in range(24)}
    assert times.total() <= 25


@needs_tune
def test_a_sweep_outlives_a_node_and_equals_one_machine(ray_cluster, address, no_data, tmp_path):
    """The run of the killed node continues on the other one."""
    write_folder(tmp_path / "pictures", 60)
    words = ("train", "tiny-resnet", "--data", "pictures", "--layers", "all", "--epochs", 3, "--out", "swept")
    with command(*words, "--sweep", "seeds=2", "--cluster", address, "--json", cwd=tmp_path) as running:
        while not all((tmp_path / f"swept/seed={seed}/run.csv").exists() for seed in (0, 1)):
            assert running.poll() is None, running.communicate()
            time.sleep(0.1)
        ray_cluster.remove_node(next(iter(ray_cluster.worker_nodes)), allow_graceful=False)
        found, said = running.communicate(timeout=120)
    assert [each["error"] for each in json.loads(found)["trials"]] == ["", ""], said
    for seed in (0, 1):
        data, out = str(tmp_path / "pictures"), tmp_path / f"here{seed}"
        eyespot.train("tiny-resnet", data=data, layers="all", epochs=3, seed=seed, threads=1, out=out)
        weights = [(place / WEIGHTS).read_bytes() for place in (out, tmp_path / f"swept/seed={seed}")]
        assert weights[0] == weights[1]


def test_one_connection_serves_one_task_after_another(address):
    with Cluster(address, memory=GIB) as cluster:
        for addend in (1, 10):
            sums = cluster.open(f.open_adder, addend)(range(50))
            assert [total for total, _ in sums] == [addend + i for i in range(50)]


@pytest.mark.parametrize(
    ("function", "item", "kind", "message"),
    [
        (f.open_fragile, 8, errors.BadFileError, "node 127.0.0.1: model.tflite: expected an int8 input, found float32"),
        (f.open_fragile, 7, errors.ToolCrashedError, "node 127.0.0.1: mine crashed: SIGSEGV: node 3: out of bounds"),
        (f.open_allocating, 2 * GIB, errors.ToolMemoryError, "node 127.0.0.1: mine ran out of memory"),
    ],
)
def test_a_node_keeps_the_limits_and_says_what_happened(address, function, item, kind, message):
    with Cluster(address, memory=GIB) as cluster, pytest.raises(kind, match=f"^{message}") as caught:
        list(cluster.open(function, name="mine")([1, item, 2]))
    assert "\n" not in str(caught.value)


def test_a_node_without_the_data_is_named(address, photos):
    """Its path leads to the folder here and to another place in processes that were started elsewhere."""
    path = f"/proc/self/cwd/{photos.name}"
    words = ("evaluate", "tiny-resnet", "--data", path, "--cluster", address)
    found, said = command(*words, cwd=photos.parent).communicate()
    assert found == ""
    assert said.startswith(f"eyespot: node 127.0.0.1: {path}/")
    assert said.count("\n") == 1


def test_ctrl_c_ends_with_one_line_and_frees_the_cores(address, real_data):
    real_data("cifar-10")
    words = ("evaluate", "tiny-resnet", "--kernels", "reference", "--cluster", address)
    with command(*words) as running:
        time.sleep(4)
        assert running.poll() is None
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does
        assert running.communicate(timeout=10) == ("", "eyespot: stopped; nothing is left half-written\n")
        assert running.returncode == 1
    with Cluster(address, memory=GIB) as cluster:
        assert [total for total, _ in cluster.open(f.open_adder, 1)(range(10))] == list(range(1, 11))


def test_a_node_with_other_code_is_refused(ray_cluster, add_node, tmp_path):
    shutil.copytree(places.PACKAGE, tmp_path / "eyespot", ignore=shutil.ignore_patterns("*.tflite", "__pycache__"))
    with (tmp_path / "eyespot" / "decoding.py").open("a") as file:
        file.write("# changed\n")
    add_node(PYTHONPATH=os.pathsep.join([str(tmp_path), str(HERE)]))
    refused = pytest.raises(errors.RefusedError, match=r"^node 127.0.0.1: has eyespot with code \w+, expected \w+ as")
    with Cluster(ray_cluster.address, memory=GIB) as cluster, refused:
        list(cluster.open(f.open_adder, 1)([1]))


def test_a_node_without_eyespot_is_one_line(ray_cluster, add_node, tmp_path):
    (tmp_path / "eyespot.py").touch()  # in the place of the package
    add_node(PYTHONPATH=str(tmp_path))
    failed = pytest.raises(
        errors.ToolCrashedError, match=r"^a node failed: ModuleNotFoundError: No module named 'eyespot.*Install"
    )
    with Cluster(ray_cluster.address, memory=GIB) as cluster, failed as caught:
        list(cluster.open(f.open_adder, 1)([1]))
    assert "\n" not in str(caught.value)


def test_a_cluster_without_a_core(ray_cluster, add_node):
    with pytest.raises(errors.ToolStartError, match="has no core"):
        eyespot.evaluate("tiny-resnet", cluster=ray_cluster.address)


@pytest.mark.parametrize("verb", [eyespot.evaluate, eyespot.measure])
def test_an_address_where_nothing_listens(ray_cluster, real_data, verb, tmp_path):
    real_data("cifar-10")
    more = {"out": tmp_path} if verb is eyespot.measure else {}
    with pytest.raises(errors.ToolStartError, match=r"^cluster 127.0.0.1:9: cannot be reached \(Connection refused\)"):
        verb("tiny-resnet", cluster="127.0.0.1:9", **more)


def test_an_address_that_does_not_answer(unanswered):
    found, said = unanswered.communicate(timeout=25)
    assert (found, said.count("\n")) == ("", 1)
    assert re.match(r"eyespot: cluster 127.0.0.1:\d+: no answer within 15 s", said)


@pytest.mark.parametrize("address", ["", "local", "ray://127.0.0.1:10001", "127.0.0.1", "a b:1", "host:port"])
def test_a_malformed_address(address):
    with pytest.raises(errors.BadArgumentError, match="cluster: expected auto or HOST:PORT"):
        eyespot.evaluate("tiny-resnet", cluster=address)


def test_processes_are_of_this_machine():
    with pytest.raises(errors.BadArgumentError, match="processes: expected none with cluster"):
        eyespot.evaluate("tiny-resnet", cluster="auto", processes=2)


@pytest.mark.parametrize(
    "error",
    [
        errors.UnknownNameError("model", "tiny", ["tiny-resnet"]),
        errors.MissingExtraError("ray", "ray"),
        errors.UnfitError("does not fit", (1, 2)),
    ],
)
def test_errors_cross_to_other_processes(error):
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
