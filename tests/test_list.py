"""list: choosing by constraint, from measurements alone."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from eyespot.artifacts import measurements
from eyespot.cli import main
from eyespot.errors import BadArgumentError, RefusedError, UnknownNameError
from eyespot.evaluation import metrics
from eyespot.reports.plot import draw
from eyespot.tflite.read import read
from eyespot.verbs.list import list_models
from eyespot.zoo import provenance, registry
from eyespot.zoo.listing import Listed, choose
from eyespot.zoo.models import MODELS

# model: data, top-1, arena, operations, runs and npu on the device that was asked for
ZOO = {
    "small": ("cifar-10", 0.80, 50_000, 10_000_000, "ok", "ok"),
    "large": ("cifar-10", 0.90, 250_000, 90_000_000, "ok", "partial"),
    "silly": ("cifar-10", 0.79, 260_000, 90_000_000, "partial", "unknown"),
    "other": ("vww", 0.85, 100_000, 15_000_000, "fails", "fails"),
    "fresh": ("vww", None, None, 15_000_000, None, None),
}


def listed(key: str, **changed) -> Listed:
    data, top1, arena, operations, runs, npu = ZOO[key]
    size = None if key == "fresh" else 87_000
    model = Listed(
        name=key, title=key, data=data, input="1x1x3", parameters=1, operations=operations,
        float32_bytes=size, int8_bytes=size, arena=arena, top1=top1, n=top1 and 100, runs=runs, npu=npu,
    )  # fmt: skip
    return replace(model, **changed)


def named(**filters) -> list[str]:
    return [model.name for model in choose(map(listed, ZOO), **filters)]


# --- choosing


def test_sorted_by_accuracy_within_each_data_set():
    assert named() == ["large", "small", "silly", "other", "fresh"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"runs": True}, ["large", "small", "silly"]),
        ({"ram": 100_000}, ["small", "other"]),
        ({"flash": 86_999}, []),
        ({"flash": 87_000}, ["large", "small", "silly", "other"]),
        ({"min_accuracy": 0.8}, ["large", "small", "other"]),
        ({"min_accuracy": 0.0}, ["large", "small", "silly", "other"]),
        ({"data": "vww"}, ["other", "fresh"]),
        ({"runs": True, "ram": 1 << 18, "flash": 1 << 20, "min_accuracy": 0.8}, ["large", "small"]),
        ({"runs": True, "data": "vww"}, []),
    ],
)
def test_filters(filters, expected):
    """What was not measured fulfils no constraint."""
    assert named(**filters) == expected


def test_any_combination_of_filters_is_their_intersection():
    every = {"runs": True, "ram": 100_000, "flash": 87_000, "min_accuracy": 0.8, "data": "cifar-10"}
    alone = {name: set(named(**{name: value})) for name, value in every.items()}
    for size in range(2, 6):
        for chosen in itertools.combinations(every, size):
            expected = set.intersection(*(alone[name] for name in chosen))
            assert set(named(**{name: every[name] for name in chosen})) == expected


def best(*models: Listed, **filters) -> set[str]:
    return {model.name for model in choose(models, **filters) if model.best}


def test_the_best_of_each_data_set():
    assert best(*map(listed, ZOO)) == {"large", "small", "other"}
    assert best(*map(listed, ZOO), min_accuracy=0.85) == {"large", "other"}


def test_models_that_are_level_are_both_best():
    twin = listed("small", name="twin")
    assert best(listed("small"), twin) == {"small", "twin"}
    assert best(listed("small"), replace(twin, operations=10_000_001)) == {"small"}
    assert best(listed("small"), replace(twin, arena=None)) == {"small"}
    assert best(listed("small"), replace(twin, top1=0.81, arena=50_001)) == {"small", "twin"}


# --- what is listed


def of(name: str, **filters) -> Listed:
    return next(model for model in list_models(**filters) if model.name == name)


@pytest.mark.parametrize(
    ("name", "millions"), [("deepface-emotion", 57.7), ("mobilenet-v2", 601.5), ("mnasnet", 466.4)]
)
def test_operations_are_the_files_own(name, millions, no_data):
    """Not those of the card, which are NXP's: 58.5, 608.0 and 447.0 M."""
    assert round(of(name).operations / 1e6, 1) == millions


def test_operations_of_shipped_files(no_data):
    for card in MODELS:
        if registry.ships(card.name):
            assert of(card.name).operations == read(registry.find(card.name)).operations


def test_verdicts_on_the_device(no_data):
    tiny = of("tiny-resnet", device="mcxn947")
    assert (tiny.runs, tiny.npu, tiny.arena) == ("ok", "partial", 55_840)
    assert of("tiny-resnet").runs is None
    assert of("tiny-resnet", device="cortex-m").npu is None


def test_measurements_of_another_file_are_not_shown(no_data):
    """A result under the data root counts if it was measured on the model's file, and not otherwise."""
    shipped = of("tiny-resnet", device="mcxn947")
    accuracy, found = provenance.accuracy("tiny-resnet", "int8"), provenance.compatibility("tiny-resnet")
    counted = metrics.accuracy(np.repeat([[0], [1]], 5, axis=0), np.zeros(10, np.int64), ("a", "b"))
    accuracy = replace(accuracy, **counted)
    failing = tuple(replace(c, runs=replace(c.runs, status="fails")) for c in found)

    def save(sha256: str) -> None:
        measurements.save(replace(accuracy, artifact=sha256), measurements.own())
        compatibility = tuple(replace(c, file=sha256) for c in failing)
        measurements.save_devices("tiny-resnet", compatibility, measurements.own())

    save("0" * 64)
    assert of("tiny-resnet", device="mcxn947") == shipped
    save(accuracy.artifact)
    assert (of("tiny-resnet").top1, of("tiny-resnet").n) == (0.5, 10)
    assert "tiny-resnet" not in {model.name for model in list_models(device="mcxn947")}


def test_shown(no_data, capsys):
    assert main(["list", "--device", "mcxn947", "--ram", "256k", "--min-accuracy", "0.8"]) == 0
    out = capsys.readouterr().out
    assert "tiny-resnet" in out
    assert "partial" in out
    assert "*" in out
    main(["list", "--flash", "1k"])
    assert capsys.readouterr().out == "none\n"


def test_bad_questions(no_data, capsys):
    with pytest.raises(BadArgumentError, match="expected 0 to 1"):
        list_models(min_accuracy=80)
    with pytest.raises(UnknownNameError, match="did you mean mcxn947"):
        list_models(device="mcxn974")
    with pytest.raises(UnknownNameError, match="did you mean cifar-10"):
        list_models(data="cifar10")
    assert main(["list", "--ram", "lots"]) == 2


@pytest.mark.slow
def test_plot(no_data, tmp_path):
    models = list_models(plot=tmp_path / "zoo.png")
    with Image.open(tmp_path / "zoo.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > picture.height > 300
    draw((), tmp_path / "empty.png")
    assert (tmp_path / "empty.png").stat().st_size
    with pytest.raises(RefusedError, match="give a name that ends in"):
        draw(models, tmp_path / "zoo.pdf")


def test_list_is_quick_and_loads_nothing_heavy():
    """Half a second at the worst on this machine; the bar of 0.4 s is `eyespot list` on an idle one."""
    code = "import sys; from eyespot.cli import main; main(['list']); print(*sys.modules, file=sys.stderr)"
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.perf_counter() - started < 2
    heavy = {"numpy", "torch", "ai_edge_litert", "matplotlib", "PIL", "tflite_micro"}
    assert not heavy & {name.partition(".")[0] for name in done.stderr.split()}
