"""compile: by vela, and by a stand-in for the converter that is NXP's own."""

from __future__ import annotations

import pytest

from eyespot import registry
from eyespot.artifact import load
from eyespot.errors import BadFileError, RefusedError
from eyespot.tflite.read import read
from eyespot.verbs.compile import compile_for


def test_compile_keeps_the_reports(tmp_path):
    made = compile_for("tiny-resnet", device="imx93", out=tmp_path)
    assert made.file.name == "int8_vela.tflite"
    assert load(made.file).inputs == {"int8": read(registry.find("tiny-resnet")).sha256}
    assert all(report.stat().st_size for report in made.reports)
    assert made.artifact.facts["cpu"] == 0


def test_compile_twice_gives_the_same_bytes(tmp_path):
    first, second = (compile_for("tiny-resnet", device="imx93", out=tmp_path / n).artifact for n in "ab")
    assert first == second


def test_compile_for_a_device_without_a_compiler():
    with pytest.raises(RefusedError, match="has no compiler here"):
        compile_for("tiny-resnet", device="imxrt1050")


def test_vela_on_a_damaged_file(tmp_path):
    path = tmp_path / "x.tflite"
    path.write_bytes(registry.find("tiny-resnet").read_bytes()[:40_000])
    with pytest.raises(BadFileError, match="damaged"):
        compile_for(str(path), device="imx93", out=tmp_path)
