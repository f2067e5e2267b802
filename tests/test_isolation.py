"""isolation: workers, their limits, their errors and their ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import isolated_functions as f
from eyespot import errors
from eyespot.isolation import Pool, command, run

HERE = Path(__file__).parent
SCRIPT = """
import isolated_functions as f
from eyespot.isolation import Pool, run
print(run(f.add, 1, 2))
with Pool(2) as pool:
    print([number for number, _ in pool.open(f.open_adder, 10)(range(3))])
"""
BUSY = """
import os, signal, sys, threading
import isolated_functions as f
from eyespot.isolation import Pool

def work():
    global pool
    pool = Pool(2)
    print(*{process for _, process in pool.open(f.open_adder, 0)(range(100))}, flush=True)

thread = threading.Thread(target=work)  # it ends before its workers are to die
thread.start()
thread.join()
try:
    list(pool.open(f.open_sleeper)(DURATIONS))
    print("idle", flush=True)
    signal.pause()
except KeyboardInterrupt:
    print("stopped")
"""


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No child, no thread and no open file may outlive a call."""

    def count() -> tuple[int, int, set[str]]:
        """Other tests of this process may have left a child, which is none of ours."""
        children = " ".join(path.read_text() for path in Path("/proc/self/task").glob("*/children"))
        return len(os.listdir("/proc/self/fd")), threading.active_count(), set(children.split())

    before = count()
    yield
    assert count() == before


def python(*argv: str, **options: object) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(HERE.parent / "src"), str(HERE)])
    environment = {**os.environ, "PYTHONPATH": path}
    pipe = subprocess.PIPE
    argv = (sys.executable, *argv)
    return subprocess.Popen(
        argv, env=environment, text=True, stdin=pipe, stdout=pipe, stderr=pipe, process_group=0, **options
    )


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(processes: list[int]) -> bool:
    for _ in range(200):
        if not any(map(alive, processes)):
            return True
        time.sleep(0.01)
    return False


def test_a_plain_script_needs_no_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    assert python(str(script)).communicate() == ("3\n[10, 11, 12]\n", "")


def test_a_script_from_standard_input(tmp_path: Path) -> None:
    assert python("-", cwd=tmp_path).communicate(SCRIPT) == ("3\n[10, 11, 12]\n", "")


def test_workers_import_nothing_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(f.nothing)  # this process imports what it needs
    for name in ("struct", "numpy", "random", "msgspec", "eyespot", "isolated_functions"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))  # as `python -m` does
    monkeypatch.syspath_prepend("")
    assert run(f.mean, np.float64([1, 2])) == 1.5


def test_threads_share_nothing() -> None:
    sums: dict[int, list[int]] = {}

    def work(addend: int) -> None:
        with Pool(1) as pool:
            sums[addend] = [total for total, _ in pool.open(f.open_adder, addend)(range(50))]
            sums[-addend] = [run(f.add, addend, 1)]

    threads = [threading.Thread(target=work, args=(addend,)) for addend in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == {a: list(range(a, a + 50)) for a in (1, 2, 3)} | {-a: [a + 1] for a in (1, 2, 3)}


def test_results_keep_their_types() -> None:
    result, expected = run(f.everything), f.everything()
    for one, other in zip(
        (result.levels, result.ranked, *result.outputs),
        (expected.levels, expected.ranked, *expected.outputs),
        strict=True,
    ):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_array_equal(one, other)
        one[...] = 0  # writable
    assert type(result) is f.Everything
    assert result.arena == expected.arena
    fields = ("nothing", "text", "data", "pair", "names")
    assert [getattr(result, each) for each in fields] == [getattr(expected, each) for each in fields]
    assert run(f.nothing) is None
    assert run(f.mean, np.float64([1, 2])) == 1.5


def test_an_idle_worker_leaves_by_itself(tmp_path: Path) -> None:
    run(f.write_at_exit, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "written"


def test_a_large_result() -> None:
    assert run(f.zeros, 20_000_000).shape == (20_000_000,)


def test_what_a_worker_prints_disturbs_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(f.printed, 100_000) == ""
    assert capfd.readouterr() == ("", "")


def test_a_refusal_is_the_only_verdict_on_a_file() -> None:
    message = "model.tflite: expected an int8 input, found float32[2J. Quantize it."
    with pytest.raises(errors.BadFileError) as caught:
        run(f.refuse)
    assert str(caught.value) == message
    assert type(caught.value) is errors.BadFileError
    assert not isinstance(caught.value, errors.ToolDiedError)
    with pytest.raises(errors.ToolTimeError, match=r"^vela did not finish within 1 s$"):
        run(f.time_out_inside)


def test_a_missing_package_is_named_with_its_extra() -> None:
    with pytest.raises(errors.MissingExtraError, match=r"needs tflite-micro, .*'\.\[devices\]'"):
        run(f.miss, "tflite_micro")
    with pytest.raises(errors.ToolCrashedError, match=r"^TFLM crashed: ModuleNotFoundError: .* lxml "):
        run(f.miss, "lxml", name="TFLM")
    with pytest.raises(errors.ToolCrashedError, match="nowhere"), Pool(1, preload=["nowhere"]) as pool:
        list(pool.open(f.open_adder, 1)([1]))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (f.segfault, "m.tflite: TFLM crashed: SIGSEGV: node 3: out of bounds"),
        (f.abort, "m.tflite: TFLM crashed: SIGABRT"),
        (f.fail, "m.tflite: TFLM crashed: ValueError: two lines"),
        (f.leave, "m.tflite: TFLM crashed: SystemExit: bye"),
    ],
)
def test_a_crash_is_told_with_its_signal_or_exception(function: object, message: str) -> None:
    with pytest.raises(errors.ToolCrashedError) as caught:
        run(function, name="m.tflite: TFLM")  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_an_unexpected_exit_is_a_crash() -> None:
    with pytest.raises(errors.ToolCrashedError, match=r"^exit_code crashed: exit code 3$"):
        run(f.exit_code, 3)


def test_time_is_limited() -> None:
    start = time.monotonic()
    with pytest.raises(errors.ToolTimeError, match=r"^hang did not finish within 0\.2 s$"):
        run(f.hang, seconds=0.2)
    assert time.monotonic() - start < 5


def test_memory_is_limited() -> None:
    with pytest.raises(errors.ToolMemoryError, match=r"^zeros ran out of memory: .*Unable to allocate"):
        run(f.zeros, 1 << 30, memory=1 << 30)
    with pytest.raises(errors.ToolMemoryError, match=r"^bad_alloc ran out of memory: SIGABRT: what"):
        run(f.bad_alloc)


def test_files_are_limited(tmp_path: Path) -> None:
    with pytest.raises(errors.ToolCrashedError, match="File too large"):
        run(f.write_file, tmp_path / "file", 1 << 30, memory=512 << 20)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("", "cannot start Python, because sys.executable is empty"),
        ("/nowhere/python", "cannot start /nowhere/python: No such file or directory"),
        ("/bin/false", "did not start: exit code 1"),
    ],
)
def test_a_worker_that_does_not_start(program: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(errors.ToolStartError, match=message):
        run(f.nothing)


def test_a_result_of_another_type_is_refused() -> None:
    with pytest.raises(errors.ToolCrashedError, match="result is malformed: Expected `int`, got `str`"):
        run(f.wrong_type)
    with pytest.raises(errors.ToolCrashedError, match="cannot return a object"):
        run(f.no_type)


@pytest.mark.parametrize(
    ("code", "shape", "data"),
    [
        ("|O", [1], bytes(8)),
        ("<f8", [1], bytes(8)),
        ("<f4", [2], bytes(4)),
        ("<f4", [-1], bytes(4)),
        ("<f4", [2**62, 2**62], b""),
        ("<f4", ["1"], bytes(4)),
        ("(1000000000,)<f4", [], bytes(4)),
    ],
)
def test_a_forged_array_is_refused(code: str, shape: list[int], data: bytes) -> None:
    with pytest.raises(errors.ToolCrashedError, match="malformed"):
        run(f.forged, code, shape, data)


def test_a_result_of_any_depth() -> None:
    with pytest.raises(errors.ToolCrashedError, match="recursion"):
        run(f.nested, 100_000)


@pytest.mark.parametrize(
    "message",
    [
        b"\xff" * 8,
        (5).to_bytes(8, "little") + b"+\xc1\xc1\xc1\xc1",
        (6).to_bytes(8, "little") + b"-\x92\xa1\xff\xa1\xff",  # an error whose words are no UTF-8
    ],
)
def test_a_forged_message_is_refused(message: bytes) -> None:
    with pytest.raises(errors.ToolCrashedError):
        run(f.write_to_pipes, message)


def test_a_pool_keeps_the_order_and_every_worker_busy() -> None:
    with Pool(2, preload=["json"]) as pool:
        found = list(pool.open(f.open_adder, 5)(range(1000)))
        assert [number for number, _ in found] == list(range(5, 1005))
        assert len({process for _, process in found}) == 2
        assert list(pool.open(f.open_adder, 5)([])) == []
        sleep = pool.open(f.open_sleeper)
        start = time.monotonic()
        assert list(sleep([0.6, *[0.03] * 20])) == [0.6, *[0.03] * 20]
        assert time.monotonic() - start < 1  # 1.2 in turns


def test_a_pool_has_one_map_at_a_time() -> None:
    with Pool(1) as pool:
        add = pool.open(f.open_adder, 0)
        first = add(range(9))
        next(first)
        with pytest.raises(ValueError, match="at work"):
            next(add(range(9)))
        assert len(list(first)) == 8


def test_a_pool_takes_large_items() -> None:
    images = [np.full(1_000_000, each, np.uint8) for each in range(8)]
    with Pool(2) as pool:
        for image, same in zip(images, pool.open(f.open_big)(images), strict=True):
            np.testing.assert_array_equal(image, same)


def test_a_pool_ends_at_its_first_error() -> None:
    seen: list[int] = []
    with Pool(2) as pool:
        fragile = pool.open(f.open_fragile)
        with pytest.raises(errors.ToolCrashedError, match="a worker crashed: SIGSEGV"):
            seen.extend(fragile(range(8)))
        with pytest.raises(ValueError, match="still at work"):
            list(fragile([1]))
    assert seen == list(range(len(seen)))
    with pytest.raises(ValueError, match="closed"):
        list(fragile([1]))
    with Pool(2, name="m.tflite") as pool, pytest.raises(errors.BadFileError, match="int8"):
        list(pool.open(f.open_fragile)([1, 8]))
    with Pool(2) as pool, pytest.raises(errors.BadFileError, match="not a model"):
        list(pool.open(f.open_refusing)([1]))
    with Pool(1, seconds=0.2) as pool, pytest.raises(errors.ToolTimeError, match=r"within 0\.2 s"):
        list(pool.open(f.open_sleeper)([0.01, -1]))


def test_an_error_of_the_consumer_or_of_the_items_closes_the_pool() -> None:
    def consume() -> None:
        for number, _ in pool.open(f.open_adder, 0)(range(100)):
            if number == 3:
                raise KeyError

    with pytest.raises(KeyError), Pool(2) as pool:
        consume()
    with pytest.raises(ZeroDivisionError), Pool(2) as pool:
        list(pool.open(f.open_adder, 0)(1 // (3 - each) for each in range(9)))


def test_a_killed_worker_is_reported() -> None:
    with Pool(2) as pool, pytest.raises(errors.ToolCrashedError, match="SIGKILL"):
        for _, process in pool.open(f.open_adder, 0)(range(100_000)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


@pytest.mark.parametrize("durations", ["[]", "[-1] * 9"], ids=["idle", "busy"])
def test_workers_die_with_their_parent(durations: str) -> None:
    with python("-c", BUSY.replace("DURATIONS", durations)) as parent:
        workers = [int(each) for each in parent.stdout.readline().split()]
        assert len(workers) == 2
        assert all(map(alive, workers))
        if durations == "[]":
            assert parent.stdout.readline() == "idle\n"
        parent.kill()
    assert gone(workers)


def test_ctrl_c_ends_workers_in_silence() -> None:
    with python("-c", BUSY.replace("DURATIONS", "[-1] * 9")) as parent:
        workers = [int(each) for each in parent.stdout.readline().split()]
        time.sleep(0.1)
        os.killpg(parent.pid, signal.SIGINT)  # as a terminal does
        assert parent.communicate() == ("stopped\n", "")
    assert gone(workers)


def test_a_command_returns_its_output_and_exit_code(tmp_path: Path) -> None:
    done = command(["sh", "-c", "pwd; echo problem >&2; exit 3"], cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, f"{tmp_path}\nproblem\n")


def test_a_command_has_the_same_limits_and_errors() -> None:
    with pytest.raises(errors.ToolStartError, match=r"^nowhere did not start: No such file"):
        command(["nowhere"])
    with pytest.raises(errors.ToolCrashedError, match=r"^vela crashed: SIGSEGV: last words$"):
        command(["sh", "-c", "echo first; echo last words; kill -SEGV $$"], name="vela")
    with pytest.raises(errors.ToolMemoryError, match=r"^python.* ran out of memory: exit code 1: Mem"):
        command([sys.executable, "-c", "bytearray(1 << 31)"], memory=1 << 30)


def test_a_command_that_hangs_dies_with_its_children(tmp_path: Path) -> None:
    script = f"sleep 1000 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/itself; wait"
    with pytest.raises(errors.ToolTimeError, match=r"^sh did not finish within 1 s$"):
        command(["sh", "-c", script], seconds=1)
    assert gone([int((tmp_path / name).read_text()) for name in ("child", "itself")])
