"""Latency here, on a board behind a real sshd, and from a serial port."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.schema_py_generated import BufferT

import eyespot
import ssh_board
from commands import fails, run
from eyespot.artifacts import benchmarks
from eyespot.benchmarking import engine, microcontroller, program, remote, runner
from eyespot.errors import BadArgumentError, RefusedError, ToolDiedError
from eyespot.exports.c import TEMPLATES
from eyespot.tflite import schema
from eyespot.tflite.read import read
from eyespot.zoo import registry
from ssh_board import wait

BRIEFLY = ("--seconds", "0.05", "--threads", "1")
SFTP = "Subsystem sftp internal-sftp"


# This machine


def test_this_machine(no_data, capsys):
    code, out, err = run(capsys, "bench", "tiny-resnet", "--seconds", "0.05", "--threads", 2, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [each["threads"] for each in found["latencies"]] == [1, 2]
    for each in found["latencies"]:
        assert 0 < each["median"] <= each["p90"] <= each["p99"]
        assert each["load"] > 0 < each["first"]
        assert each["runs"] >= 30
        assert each["memory"] > 100_000
        assert each["throughput"] == pytest.approx(1000 / each["mean"])
    assert found["command"] == "eyespot bench tiny-resnet:int8 --threads 2 --seconds 0.05"
    assert found["machine"]["kernel"].startswith(os.uname().sysname)


def test_the_measurement_is_filed_and_listed(no_data, capsys):
    measured = eyespot.bench("tiny-resnet", threads=1, seconds=0.05)
    listed = {each.name: each for each in eyespot.list_models()}
    assert listed["tiny-resnet"].latency == {measured.machine.name: measured.latencies[0].median}
    assert listed["visual-wake-word"].latency == {}
    assert f"ms ({measured.machine.name}" in eyespot.report().markdown
    _, out, _ = run(capsys, "list")
    assert "latency" in out
    assert f"ms ({measured.machine.name})" in out


def test_machines_of_one_name_are_kept_apart(no_data, capsys):
    measured = eyespot.bench("tiny-resnet", threads=1, seconds=0.05)
    here = measured.machine

    def keep(milliseconds: float, **other) -> None:
        latency = replace(measured.latencies[0], median=milliseconds)
        benchmarks.keep(replace(measured, latencies=(latency,), machine=replace(here, **other)))

    for milliseconds in (0.25, 0.5):  # the same machine again
        keep(milliseconds)
    keep(7.0, address="ssh://root@10.0.0.2", board="i.MX 93", id="a")
    keep(8.0, address="ssh://root@10.0.0.2", board="i.MX 93", id="b")
    keep(9.0, name="other")
    assert len(list((no_data / "results" / "bench").iterdir())) == 4
    (listed,) = (each for each in eyespot.list_models() if each.name == "tiny-resnet")
    assert listed.latency == {
        f"{here.name}{f' ({here.board}, {here.id})' if here.board or here.id else ''}".replace("(, ", "("): 0.5,
        f"{here.name} (ssh://root@10.0.0.2, i.MX 93, a)": 7.0,
        f"{here.name} (ssh://root@10.0.0.2, i.MX 93, b)": 8.0,
        "other": 9.0,
    }


def test_the_least_with_and_without_a_delegate_is_listed(no_data):
    measured = eyespot.bench("tiny-resnet", threads=1, seconds=0.05)
    fast = replace(measured.latencies[0], median=1e-3)
    benchmarks.keep(replace(measured, latencies=(fast,), delegate="/usr/lib/libnpu.so"))
    (listed,) = (each for each in eyespot.list_models() if each.name == "tiny-resnet")
    assert listed.latency == {measured.machine.name: 1e-3}


def test_what_windows_has_not():
    engine.refuse_windows("linux", None)
    engine.refuse_windows("win32", "ssh://board")
    for on, words in ((None, "does not measure itself"), ("serial:/dev/ttyACM0", "reads no serial ports")):
        with pytest.raises(RefusedError, match=f"Windows {words}: run eyespot in WSL, or"):
            engine.refuse_windows("win32", on)


def test_without_ssh(no_data, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "install OpenSSH's client" in fails(capsys, "bench", "tiny-resnet", "--on", "ssh://board", *BRIEFLY)


def test_the_command_of_a_file_of_another_origin(no_data, tmp_path):
    path = tmp_path / "my model's.tflite"
    path.write_bytes(registry.find("tiny-resnet", "float32").read_bytes()[:-4] + b"\0\0\0\0\1")
    measured = eyespot.bench(str(path), threads=1, seconds=0.05)
    assert measured.command == f"eyespot bench {shlex.quote(path.name)} --threads 1 --seconds 0.05"


def test_without_a_measurement_nothing_is_listed(no_data, capsys):
    assert "latency" not in run(capsys, "list")[1]


def test_the_table(no_data, capsys):
    code, out, _ = run(capsys, "bench", "tiny-resnet:float32", *BRIEFLY)
    assert code == 0
    assert "median" in out
    assert "images/s" in out
    assert "no profile: benchmark_model is not installed" in out


def test_a_file_that_litert_does_not_run(no_data, tmp_path, capsys):
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    from eyespot.tflite import schema
    from eyespot.tflite.read import read

    model = read(registry.find("tiny-resnet")).model
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = BuiltinOperator.NEG
    (tmp_path / "bad.tflite").write_bytes(schema.pack(model))
    assert "LiteRT" in fails(capsys, "bench", tmp_path / "bad.tflite", *BRIEFLY)


def test_a_file_that_is_compiled_for_another_machine(no_data, tmp_path, capsys):
    made = eyespot.compile_for("tiny-resnet", device="imx93", out=tmp_path).file
    words = fails(capsys, "bench", made, *BRIEFLY)
    assert "is compiled already for ethos-u65-256 (custom operator ethos-u); measure it where that is: --on" in words


def test_a_delegate_that_is_none(no_data, capsys):
    words = fails(capsys, "bench", "tiny-resnet", "--delegate", "/nowhere/lib.so", *BRIEFLY)
    assert "/nowhere/lib.so" in words


@pytest.mark.parametrize(
    "wrong",
    [
        {"on": "board"},
        {"on": "ssh://-oProxyCommand=x"},
        {"on": "ssh://a b"},
        {"on": "ssh://host/path"},
        {"on": "ssh://user:password@host"},
        {"on": "ssh://host:99999"},
        {"on": "serial:ttyACM0"},
        {"on": "serial:/dev/ttyACM0:1x"},
        {"on": "serial:/dev/ttyACM0", "delegate": "/usr/lib/libnpu.so"},
        {"on": "serial:/dev/ttyACM0", "threads": 1},
        {"threads": 0},
        {"seconds": 0},
        {"seconds": float("nan")},
    ],
)
def test_arguments(no_data, wrong):
    with pytest.raises(BadArgumentError):
        eyespot.bench("tiny-resnet", **wrong)


def test_addresses():
    assert remote.board("ssh://Board-1").destination == "Board-1"
    assert remote.board("ssh://root@10.0.0.2:2222").ssh("x")[-5:] == ["-p", "2222", "--", "root@10.0.0.2", "x"]
    assert remote.board("ssh://root@[fe80::1]").scp(folder="/d", old=False)[-1] == "root@[fe80::1]:/d/"
    assert microcontroller.port("serial:/dev/ttyACM0") == ("/dev/ttyACM0", 115_200)


def test_the_nodes_of_a_delegate_are_counted():
    """XNNPACK takes two parts of tiny-resnet, and leaves its AVERAGE_POOL_2D and its SOFTMAX."""
    from ai_edge_litert.interpreter import Interpreter

    model = Interpreter(model_path=str(registry.find("tiny-resnet")), num_threads=1)
    model.allocate_tensors()
    assert runner.replaced(model._get_ops_details(), 15) == 13


# benchmark_model, in the forms of its documents, its source and the reports of its users; the program itself is in no
# package, and was not run

NOW = """\
INFO: STARTING!
INFO: VERBOSE: Replacing 13 out of 15 node(s) with delegate (EthosuDelegate) node, yielding 3 partitions for subgraph 0
INFO: count=10 first=400 curr=300 min=290 max=400 avg=310 std=5 p5=290 median=305 p95=390
INFO: count=60 first=300 curr=301 min=290 max=380 avg=302.5 std=4 p5=295 median=301 p95=320
INFO: Inference timings in us: Init: 1500, First inference: 400, Warmup (avg): 310, Inference (avg): 302.5
INFO: Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE.
INFO: Memory footprint delta from the start of the tool (MB): init=2.5 overall=4.25
INFO: Overall peak memory footprint (MB) via periodic monitoring: 12.5
"""
TABLE = """\
============================== Run Order ==============================
\t             [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
"""
PROFILE = f"""\
INFO: Profiling Info for Benchmark Initialization:
{TABLE}\
\t         AllocateTensors\t    9.000\t    9.000\t100.000%\t100.000%\t     0.000\t        1\tAllocateTensors/0

INFO: Operator-wise Profiling Info for Regular Benchmark Runs:
{TABLE}\
\t                 CONV_2D\t    0.200\t    0.150\t 75.000%\t 75.000%\t     0.000\t        1\t[a]:0
\t                 SOFTMAX\t    0.060\t    0.050\t 25.000%\t100.000%\t     0.000\t        1\t[b]:1

============================== Top by Computation Time ==============================
\t             [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]

Delegate internal:
{TABLE}\
\t   Convolution (NHWC, QC8)\t   7.000\t    7.000\t100.000%\t100.000%\t     0.000\t        1\tDelegate/Conv:0
"""
OLD = """\
STARTING!
Initialized session in 0.855ms.
Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
count=15 first=4900 curr=3300 min=3200 max=4900 avg=3482.1 std=390

count=50 first=3200 curr=3300 min=3200 max=3400 avg=3.32e+03 std=45

Inference timings in us: Init: 855, First inference: 4900, Warmup (avg): 3482.1, Inference (avg): 3.32e+03
Peak memory footprint (MB): init=0 overall=12.8672
"""
SLOW = OLD.replace("count=50 first=3200 curr=3300 min=3200 max=3400 avg=3.32e+03 std=45", "count=1 curr=2290337")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NOW, {"load": 1.5, "median": 0.301, "mean": 0.3025, "runs": 60, "npu_nodes": 13, "memory": 12_500_000}),
        (NOW.rpartition("INFO: Overall")[0], {"memory": 4_250_000}),
        (OLD, {"load": 0.855, "first": 4.9, "median": None, "mean": 3.32, "runs": 50, "npu_nodes": None}),
        (OLD, {"memory": 12_867_200, "warmup_runs": 15}),
        (SLOW, {"runs": 1, "median": None}),
    ],
)
def test_what_benchmark_model_prints(text, expected):
    assert program.figures(text, 1).items() >= expected.items()


def test_the_profile_of_benchmark_model():
    """Not that of loading, nor that within a delegate."""
    expected = [{"operator": "CONV_2D", "ms": 0.15}, {"operator": "SOFTMAX", "ms": 0.05}]
    assert program.operators(NOW + PROFILE) == expected
    old = PROFILE.replace("\t  [first]", "\t  [start]\t  [first]").replace("CONV_2D\t", "CONV_2D\t    0.024\t")
    assert program.operators(OLD + old)[:1] == expected[:1]
    assert program.operators(NOW) == program.operators(f"{program.PROFILE} Run Order =\n\tx\ty\n\t1\t2\n") == []


@pytest.mark.parametrize("text", ["", OLD.partition("Inference")[0], OLD.replace("855,", "8.5.5,")])
def test_no_timings_of_benchmark_model(text):
    with pytest.raises(ValueError, match=r"no timings|could not convert"):
        program.figures(text, 1)


# Over ssh


@pytest.fixture
def servers(tmp_path):
    """A function that starts a server under a name."""
    ssh_board.needed()
    started, user_key = [], ssh_board.key(tmp_path / "id")

    def start(name: str, *extra: str) -> ssh_board.Sshd:
        started.append(ssh_board.start(tmp_path / name, user_key, *extra))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def identity(tmp_path):
    return f"IdentityFile {tmp_path}/id"


@pytest.fixture
def use(monkeypatch, tmp_path):
    """Make the user's configuration from servers by name."""

    def write(servers: dict[str, ssh_board.Sshd], *extra: str) -> None:
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        for name, value in ssh_board.client(tmp_path / "home", servers, *extra).items():
            monkeypatch.setenv(name, value)

    return write


def measured_on(board: str) -> None:
    measured = eyespot.bench("tiny-resnet", on=f"ssh://{board}", threads=1, seconds=0.05)
    assert measured.latencies[0].median > 0
    assert measured.machine.kernel


def test_a_key_without_a_password(servers, use, identity, no_data, capsys):
    board = servers("board", SFTP)
    use({"board": board}, identity)
    code, out, err = run(capsys, "bench", "tiny-resnet", "--on", "ssh://board", *BRIEFLY)
    assert (code, err) == (0, "")
    assert "median" in out
    assert board.left == []
    (kept,) = map(json.loads, map(Path.read_text, (no_data / "results" / "bench").iterdir()))
    assert kept["command"] == "eyespot bench tiny-resnet:int8 --on ssh://board --threads 1 --seconds 0.05"
    assert kept["machine"]["address"] == "ssh://board"


def test_a_board_without_sftp(servers, use, identity, no_data):
    use({"board": servers("board")}, identity)
    measured_on("board")


def test_keep(servers, use, identity, no_data):
    board = servers("board", SFTP)
    use({"board": board}, identity)
    eyespot.bench("tiny-resnet", on="ssh://board", threads=1, seconds=0.05, keep=True)
    assert sorted(each.name for each in board.left[0].iterdir()) == ["model.tflite", "runner.py"]


def test_an_agent(servers, use, identity, no_data, tmp_path, monkeypatch):
    use({"board": servers("board", SFTP)}, "IdentityFile none")
    with pytest.raises(ToolDiedError, match="Permission denied"):
        measured_on("board")
    socket = f"{tmp_path}/agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as agent:
        try:
            wait(lambda: Path(socket).exists(), "ssh-agent")
            monkeypatch.setenv("SSH_AUTH_SOCK", socket)
            subprocess.run(["ssh-add", "-q", tmp_path / "id"], check=True)
            measured_on("board")
        finally:
            agent.terminate()


def test_a_jump_host(servers, use, identity, no_data):
    board, jump = servers("board", SFTP), servers("jump")
    use({"board": board, "jump": jump}, identity, "Host board", "ProxyJump jump")
    measured_on("board")
    assert "Accepted publickey" in (jump.folder / "log").read_text()


def test_host_keys_are_checked(servers, use, identity, no_data, tmp_path, capsys):
    board, other = servers("board", SFTP), servers("other")
    use({"board": board}, identity)
    known = tmp_path / "home" / "known_hosts"
    known.write_text(f"[127.0.0.1]:{board.port} {(other.folder / 'host_key.pub').read_text()}")
    assert "Host key verification failed" in fails(capsys, "bench", "tiny-resnet", "--on", "ssh://board", *BRIEFLY)
    known.write_text("")
    assert "Host key verification failed" in fails(capsys, "bench", "tiny-resnet", "--on", "ssh://board", *BRIEFLY)
    assert board.left == []


@pytest.mark.slow
def test_a_board_with_benchmark_model_and_no_litert(servers, use, identity, no_data, tmp_path, capsys):
    board = servers("board", SFTP)
    use({"board": board}, identity)
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['ai_edge_litert'] = None")
    ssh_board.script(board.folder / "bin" / "python3", f'PYTHONPATH={tmp_path} exec {sys.executable} "$@"')
    words = ("bench", "tiny-resnet", "--on", "ssh://board", "--delegate", "/d.so", *BRIEFLY)
    assert "benchmark_model is installed" in fails(capsys, *words)
    ssh_board.script(board.folder / "bin" / "benchmark_model", f'echo "$@" >> {tmp_path}/asked; cat {tmp_path}/printed')
    (tmp_path / "printed").write_text("hello\n")
    assert "benchmark_model printed no timings" in fails(capsys, *words)
    (tmp_path / "printed").write_text(NOW + PROFILE)
    measured = eyespot.bench("tiny-resnet", on="ssh://board", threads=1, seconds=0.05, delegate="/d.so")
    (latency,) = measured.latencies
    assert (latency.median, latency.npu_nodes, latency.cpu_nodes, latency.tool) == (0.301, 13, 2, "benchmark_model")
    assert [each.operator for each in measured.profile] == ["CONV_2D", "SOFTMAX"]
    *_, first, second = (tmp_path / "asked").read_text().splitlines()
    assert "--external_delegate_path=/d.so" in first
    assert ("op_profiling=false" in first, "op_profiling=true" in second) == (True, True)


def test_a_board_that_prints_when_you_log_in_and_has_no_python(servers, use, identity, no_data, capsys):
    board = servers("board", SFTP, "Banner /etc/passwd")
    use({"board": board}, identity)
    ssh_board.script(board.folder / "bin" / "python3", "echo '{ welcome'; exit 3")
    assert "exit code 3" in fails(capsys, "bench", "tiny-resnet", "--on", "ssh://board", *BRIEFLY)
    assert board.left == []


def started(*words: str) -> subprocess.Popen[str]:
    """A benchmark on the board, in a process of its own."""
    command = [sys.executable, "-m", "eyespot", "bench", *words, "--on", "ssh://board"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def start_long(board: ssh_board.Sshd) -> subprocess.Popen[str]:
    """A benchmark of a minute that has begun to measure on the board."""
    process = started("tiny-resnet", "--seconds", "60")
    wait(lambda: any('"task"' in each for each in commands(board)), "the measurement")
    return process


def commands(board: ssh_board.Sshd) -> list[str]:
    """The command lines of what runs on the board, and of what talks to it."""
    lines = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if str(board.folder / "tmp") in line or "home/config" in line]


def gone(board: ssh_board.Sshd) -> bool:
    return not commands(board) and not board.left


@pytest.mark.slow
def test_a_broken_connection_leaves_nothing_behind(servers, use, identity, no_data):
    board = servers("board", SFTP)
    use({"board": board}, identity)
    process = start_long(board)
    for each in board.sessions():
        os.kill(each, signal.SIGKILL)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.count("\n")) == (1, "", 1), err
    assert "ended before the measurement did" in err
    wait(lambda: gone(board), "the end of all processes")
    assert not (no_data / "results").exists()


@pytest.fixture
def large(tmp_path) -> Path:
    """A file that takes seconds to copy with `slowly`."""
    model = read(registry.find("tiny-resnet")).model
    model.buffers.append(BufferT())
    model.buffers[-1].data = np.zeros(20_000_000, np.uint8)
    (tmp_path / "large.tflite").write_bytes(schema.pack(model))
    return tmp_path / "large.tflite"


def start_copying(board: ssh_board.Sshd, home: Path, large: Path) -> subprocess.Popen[str]:
    """A benchmark that has begun to copy its file, at 2 MB/s."""
    ssh_board.script(home / "scp", f'exec {shutil.which("scp", path="/usr/bin")} -l 16000 -F {home}/config "$@"')
    process = started(str(large))
    wait(lambda: any(each.stat().st_size for each in board.folder.glob("tmp/*/model.tflite")), "the copy")
    return process


@pytest.mark.slow
def test_a_connection_that_breaks_during_the_copy(servers, use, identity, no_data, tmp_path, large):
    board = servers("board", SFTP)
    use({"board": board}, identity)
    process = start_copying(board, tmp_path / "home", large)
    sessions = board.sessions()
    board.process.kill()  # nor does it come back
    for each in sessions:
        os.kill(each, signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.count("\n")) == (1, "", 1), err
    assert "scp to board: " in err
    wait(lambda: gone(board), "the end of all processes")
    assert not (no_data / "results").exists()


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_board_that_hears_no_more_during_the_copy(tmp_path, shell):
    """Its end of the connection stays open, as after a pulled cable."""
    argv = [shell, "-c", remote.script("{}", keep=False, seconds=1)]
    with subprocess.Popen(
        argv, env={**os.environ, "TMPDIR": str(tmp_path)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        folder = Path(process.stdout.readline().strip().removeprefix(remote.MARK))
        assert (folder.parent, folder.is_dir()) == (tmp_path, True)
        assert process.wait(20) == 1
    assert not folder.exists()


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_command_that_is_killed_during_the_copy(servers, use, identity, no_data, tmp_path, large, sent):
    board = servers("board", SFTP)
    use({"board": board}, identity)
    process = start_copying(board, tmp_path / "home", large)
    process.send_signal(sent)
    process.communicate(timeout=30)
    wait(lambda: gone(board), "the end of all processes")


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_command_leaves_nothing_behind(servers, use, identity, no_data, sent):
    board = servers("board", SFTP)
    use({"board": board}, identity)
    process = start_long(board)
    process.send_signal(sent)
    process.communicate(timeout=30)
    wait(lambda: gone(board), "the end of all processes")


# A serial port


@pytest.fixture
def serial():
    """A pseudo-terminal: a function that writes to it, and the path of its other end."""
    master, slave = pty.openpty()
    path = os.ttyname(slave)
    yield lambda text: threading.Timer(0.3, os.write, (master, text)).start(), path
    os.close(master)
    os.close(slave)


def frames(count: int) -> bytes:
    lines = (f"eyespot: preprocess 500 us\r\neyespot: invoke {90_000 + i} us\r\nship 97.1 %\r\n" for i in range(count))
    return "".join(lines).encode()


def test_the_timings_of_the_c_example(serial, no_data):
    write, path = serial
    write(b"\xff\xfearena: 5 of 6 bytes\r\n0 of 4 golden pictures differ\r\n" + frames(20))
    measured = eyespot.bench("tiny-resnet", on=f"serial:{path}")
    assert measured.command == f"eyespot bench tiny-resnet:int8 --on serial:{path}"
    latency = measured.latencies[0]
    assert (latency.first, latency.median, latency.preprocess, latency.runs) == (90.0, 90.01, 0.5, 19)
    assert measured.machine.board == path


def test_the_c_example_prints_the_lines_that_are_read():
    text = (TEMPLATES / "main.cc").read_text("utf-8")
    assert set(re.findall(r'Report\("(\w+)"', text)) == {microcontroller.INVOKE, microcontroller.PREPROCESS}
    assert f"kFrames = {microcontroller.ENOUGH};" in text
    assert microcontroller.LINE.fullmatch(f"eyespot: {microcontroller.INVOKE} 1234 us\n")
    assert r'"eyespot: %s %lu us\n"' in text


@pytest.mark.parametrize(
    ("printed", "words"), [(b"hello\n", "no line such as"), (b"eyespot: invoke 0 us\n", "no clock")]
)
def test_a_port_without_timings(serial, printed, words):
    write, path = serial
    write(printed)
    with pytest.raises(ToolDiedError, match=words):
        microcontroller.listen(path, 115_200, seconds=1)


def test_no_such_port(no_data, capsys, tmp_path):
    assert "No such file" in fails(capsys, "bench", "tiny-resnet", "--on", "serial:/dev/ttyNONE9")
    assert "no serial port" in fails(capsys, "bench", "tiny-resnet", "--on", "serial:/dev/null")
