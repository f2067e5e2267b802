"""docs/vela.md: what it says is of the files that ship, and measured again gives the same."""

from __future__ import annotations

import importlib.util
import json

import pytest

from eyespot.artifacts import places
from eyespot.artifacts.model_folder import read_sidecar, sidecar
from eyespot.tflite.read import read
from eyespot.verbs.convert import convert
from eyespot.verbs.quantize import quantize
from eyespot.zoo import registry
from eyespot.zoo.models import MODELS

ROOT = places.PACKAGE.parents[1]
ROWS = json.loads((ROOT / "docs/vela.json").read_text("utf-8"))["rows"]
RECORDED = [card.name for card in MODELS if sidecar(places.ZOO / card.name / "int8.tflite").exists()]


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("vela_benchmark", ROOT / "benchmarks/vela.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", RECORDED)
def test_our_rows_are_of_the_files_that_we_measured(name):
    """Where this fails: python benchmarks/vela.py && python docs/generate.py."""
    (row,) = [row for row in ROWS if (row["model"], row["publisher"]) == (name, "eyespot")]
    assert row["sha256"] == read_sidecar(places.ZOO / name / "int8.tflite").sha256


@pytest.mark.parametrize("row", [row for row in ROWS if row["publisher"] != "eyespot"], ids=lambda r: r["file"])
def test_their_rows_measured_again(benchmark, data_root, row):
    assert benchmark.measure(row["model"], row["publisher"], read(data_root / "published" / row["file"])) == row


def test_published_figures_are_the_ones_to_beat():
    arenas = {row["file"]: row["arena"] for row in ROWS}
    assert arenas["pretrainedResnet_quant.tflite"] == 55_984
    assert arenas["vww_96_int8.tflite"] == 103_680
    assert arenas["mobilenet_v1_0.25_128_quant.tflite"] is None, "TFLM refuses uint8"


def int8_file(name, folder):
    """The shipped file, or one built from published weights as a user's machine does."""
    if registry.ships(name):
        return registry.find(name)
    convert(name, weights=registry.model(name).weights[0].name, out=folder)
    quantize(str(folder), calibration="imagenet-like")
    return folder / "int8.tflite"


@pytest.mark.parametrize("name", ["tiny-resnet", "visual-wake-word"])
def test_ours_need_no_more_than_theirs(benchmark, data_root, tmp_path, name):
    """The bars, for the networks that MLPerf Tiny publishes too: arena, cycles and bytes."""
    path = int8_file(name, tmp_path)
    theirs = [row for row in ROWS if row["model"] == name and row["publisher"].startswith("mlcommons")]
    ours = benchmark.measure(name, "eyespot", read(path))
    assert ours["cpu"] == 0
    for row in theirs:
        assert ours["arena"] <= row["arena"]
        assert ours["cycles"] <= row["cycles"]
        assert ours["bytes"] <= row["bytes"]


def test_ratios(benchmark):
    ours = {"model": "a", "publisher": "eyespot", "bytes": 5, "arena": 1, "sram": 1, "cycles": None}
    theirs = {"model": "a", "publisher": "x", "bytes": 10, "arena": None, "sram": 2, "cycles": 3}
    assert list(benchmark.ratios([ours, theirs])) == ["a against x: bytes 0.500, sram 0.500"]
