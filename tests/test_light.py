"""The light install, for real: an environment without any extra, and the wheel that it is made of."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from eyespot.artifacts import places
from eyespot.errors import EXTRAS
from pictures import write_folder

pytestmark = pytest.mark.slow
ROOT = places.PACKAGE.parents[1]
SCRIPT = """
from pathlib import Path
from typing import reveal_type
import eyespot

reveal_type(eyespot.predict("tiny-resnet", ["a.png", Path("b.png")]))
reveal_type(eyespot.predict("tiny-resnet", "a.png")[0].as_dict())
reveal_type(eyespot.evaluate("tiny-resnet").top1)
reveal_type(eyespot.__version__)
eyespot.list_models(ram="256k")
eyespot.evaluate("tiny-resnet", kernels="bad")
eyespot.trian
"""


def environment(folder: Path, *words: str) -> Path:
    """A new virtual environment with this clone in it; returns its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    pip = [sys.executable, "-m", "pip", "--python", folder, "install", "--quiet", *words, ROOT]
    subprocess.run(pip, check=True, cwd=ROOT)
    return folder / "bin" / "python"


@pytest.fixture(scope="session")
def light(request) -> Path:
    """Python with the light install only, made once for each state of the requirements."""
    requirements = b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    cache = request.config.cache.mkdir("light")
    folder = cache / hashlib.sha256(requirements).hexdigest()[:12]
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            environment(folder, "--constraint", "constraints.txt")
            (folder / "done").touch()
    return folder / "bin" / "python"


@pytest.fixture
def eyespot(light, tmp_path):
    """Run a command of this source in the light install; what it returns has printed no traceback."""
    write_folder(tmp_path / "photos", 12)

    def run(command: str) -> subprocess.CompletedProcess[str]:
        words = [light, "-m", "eyespot", *command.split()]
        environment = os.environ | {"PYTHONPATH": str(places.PACKAGE.parent)}
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "list",
        "show tiny-resnet",
        "report",
        "predict tiny-resnet photos",
        "export tiny-resnet --to folder",
        "check tiny-resnet",
        "check tiny-resnet --device imx8mp",
        "site tiny-resnet",
    ],
)
def test_what_needs_no_extra(eyespot, command):
    done = eyespot(command)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_site_without_its_extra_has_no_plots(eyespot, tmp_path):
    done = eyespot("site tiny-resnet deepface-emotion --out site")
    assert done.returncode == 0
    assert done.stderr.startswith("eyespot: no plots: this needs altair and vl-convert-python")
    assert "vega" not in (tmp_path / "site/index.html").read_text("utf-8")
    assert not (tmp_path / "site/assets/vega.js").exists()


@pytest.mark.parametrize(
    "command",
    [
        "fetch cifar-10",
        "evaluate tiny-resnet --images 20",
        "evaluate tiny-resnet --images 20 --kernels reference",
        "quantize tiny-resnet --images 20 --out out",
    ],
)
def test_what_needs_no_extra_but_data(eyespot, real_data, command):
    real_data("cifar-10")
    done = eyespot(command)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [
        ("compile tiny-resnet --device imx93", "ethos-u-vela", "devices"),
        ("export tiny-resnet --to c", "tflite-micro", "devices"),
        ("evaluate tiny-resnet --images 20 --kernels tflm", "tflite-micro", "devices"),
        ("evaluate tiny-resnet --images 20 --cluster auto", "ray", "ray"),
        ("train tiny-resnet", "torch", "train"),
        ("train tiny-resnet --data photos", "torch", "train"),
        ("convert tiny-resnet --weights random", "torch", "train"),
    ],
)
def test_what_needs_an_extra_says_so(eyespot, real_data, command, package, extra):
    real_data("cifar-10")
    done = eyespot(command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"eyespot: this needs {package}, which is not installed. "
        f"In your clone run: pip install --constraint constraints.txt '.[{extra}]'\n"
    )


def test_what_a_missing_tool_leaves_unknown(eyespot):
    """Every other device and check has its verdict."""
    out = eyespot("check tiny-resnet --json").stdout
    assert '"unknown"' in out
    assert '"ok"' in out


def test_make_leaves_out_what_needs_an_extra(eyespot):
    done = eyespot("make tiny-resnet --out made --json")
    assert (done.returncode, done.stderr) == (0, "")
    made = json.loads(done.stdout)
    assert made["sizes"].keys() == {"float32.tflite", "int8.tflite"}
    assert made["accuracies"]
    assert made["arena"] is None
    assert [".[devices]" in each for each in made["left_out"]] == [True]


def test_every_optional_package_has_its_extra():
    from importlib.metadata import requires

    required = [each.replace(" ", "") for each in requires("eyespot")]
    for package, extra in EXTRAS.values():
        assert any(each.startswith(package) and each.endswith(f"extra=='{extra}'") for each in required)


def test_types_of_the_installed_wheel(tmp_path):
    python = environment(tmp_path / "venv", "--no-deps")
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "script.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=bare())
    lines = done.stdout.splitlines()
    expected = [
        '"tuple[eyespot.evaluation.prediction.Prediction, ...]"',
        '"dict[str, Any]"',
        '"float"',
        '"str"',
        "\"Literal['bad']\"; expected \"Literal['xnnpack', 'reference', 'tflm']\"",
        'Module has no attribute "trian"',
        "Found 2 errors in 1 file",
    ]
    assert len(lines) == len(expected), done.stdout + done.stderr
    assert all(part in line for part, line in zip(expected, lines, strict=True)), done.stdout


def bare() -> dict[str, str]:
    """The environment without this source in it."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "MYPYPATH"}}
