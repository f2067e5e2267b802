"""Plain scripts, without a `__main__` guard: from a file, from standard input, in a thread."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from PIL import Image

import eyespot
from eyespot.artifacts import places
from eyespot.preprocessing.synthetic import picture

IN_A_THREAD = """
import threading

def work():
    {}

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.fixture(params=["file", "standard input", "thread"])
def run(request, tmp_path):
    """Run lines as a script in a fresh process, in one of three ways; returns what they print."""

    def output(*lines: str) -> list[str]:
        lines = ("import eyespot", "print('started')", *lines)
        script = IN_A_THREAD.format("\n    ".join(lines)) if request.param == "thread" else "\n".join(lines)
        path = tmp_path / "script.py"
        path.write_text(script)
        done = subprocess.run(
            [sys.executable, "-" if request.param == "standard input" else path],
            input=script,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": str(places.PACKAGE.parent)},
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("started") == 1
        return done.stdout.splitlines()[1:]

    return output


def test_predict(run, tmp_path):
    Image.fromarray(picture(0, 40, 50, 3)).save(tmp_path / "photo.png")
    [expected] = eyespot.predict("tiny-resnet", tmp_path / "photo.png", top=1)
    lines = run(f"[p] = eyespot.predict('tiny-resnet', {str(tmp_path / 'photo.png')!r}, top=1)", "print(p)")
    assert lines == [repr(expected)]


# The next two need `check` and `evaluate` to start their workers through `isolation`.
def test_check(run):
    lines = run("[c] = eyespot.check('tiny-resnet', device='cortex-m')", "print(c.runs.status)")
    assert lines == ["ok"]


def test_evaluate(run, real_data):
    real_data("cifar-10")
    expected = eyespot.evaluate("tiny-resnet", images=200, processes=1)
    lines = run("e = eyespot.evaluate('tiny-resnet', images=200, processes=2)", "print(e.n, e.correct)")
    assert lines == [f"200 {expected.correct}"]
