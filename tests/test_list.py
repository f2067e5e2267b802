"""list: choosing by constraint, from measurements alone."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from PIL import Image

from eyespot.artifacts import measurements
from eyespot.artifacts.measurements import Compatibility, Evaluation, Finding, Verdict
from eyespot.cli import main
from eyespot.errors import BadArgumentError, RefusedError, UnknownNameError
from eyespot.reports.plot import draw
from eyespot.verbs.list import list_models
from eyespot.zoo import listing, registry, results
from eyespot.zoo.models import MODELS

CARD = MODELS[0]


def compatibility(device: str, runs: str, npu: str | None, arena: int) -> Compatibility:
    finding = Finding(
        check="arena", status="ok", value=f"{arena:,} of 319,488 B (x)", kind="measured", tool="t",
        source="s", reason="r", decides="runs",
    )  # fmt: skip
    return Compatibility(
        device=device,
        file="0" * 64,
        runs=Verdict(status=runs, reason="r"),
        npu=Verdict(status=npu, reason="r") if npu else None,
        findings=(finding,),
    )


def evaluation(model: str, data: str, top1: float) -> Evaluation:
    return Evaluation(
        model=model, precision="int8", artifact="0" * 64, data=data, split="test", data_digest="1" * 64,
        n=100, correct=round(100 * top1), top1=top1, low=0.0, high=1.0, top5=None, per_class={},
        confusion=((0, 0, 1),), kernels="xnnpack", tools={}, command="x",
    )  # fmt: skip


# model: data, top-1, arena, multiply-adds, runs and npu on mcxn947
ZOO = {
    "small": ("cifar-10", 0.80, 50_000, 10_000_000, "ok", "ok"),
    "large": ("cifar-10", 0.90, 250_000, 90_000_000, "ok", "partial"),
    "silly": ("cifar-10", 0.79, 260_000, 90_000_000, "ok", "unknown"),
    "other": ("vww", 0.85, 100_000, 15_000_000, "fails", "fails"),
    "fresh": ("vww", None, None, 15_000_000, None, None),
}


@pytest.fixture
def zoo(monkeypatch, no_data):
    """Five models with measurements of the user's own; the files are tiny-resnet's."""
    cards = []
    for name, (data, top1, arena, operations, runs, npu) in ZOO.items():
        cards.append(replace(CARD, name=name, data=data, operations=operations))
        if top1 is not None:
            measurements.save(evaluation(name, data, top1), measurements.own())
            found = (
                compatibility("mcxn947", runs, npu, arena),
                compatibility("imxrt1050", "partial", None, arena),
            )
            measurements.save_devices(name, found, measurements.own())
    monkeypatch.setattr(listing, "MODELS", tuple(cards))
    monkeypatch.setattr(listing, "_size", lambda model, _: None if model == "fresh" else 87_000)
    monkeypatch.setattr(registry, "MODELS", tuple(cards))


def named(**filters) -> list[str]:
    return [model.name for model in list_models(**filters)]


def test_sorted_by_accuracy_within_each_data_set(zoo):
    assert named() == ["large", "small", "silly", "other", "fresh"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"device": "mcxn947"}, ["large", "small", "silly"]),
        ({"device": "imxrt1050"}, ["large", "small", "silly", "other"]),
        ({"ram": 100_000}, ["small", "other"]),
        ({"flash": 86_999}, []),
        ({"flash": 87_000}, ["large", "small", "silly", "other"]),
        ({"min_accuracy": 0.8}, ["large", "small", "other"]),
        ({"min_accuracy": 0.0}, ["large", "small", "silly", "other"]),
        ({"data": "vww"}, ["other", "fresh"]),
        ({"device": "mcxn947", "ram": 1 << 18, "flash": 1 << 20, "min_accuracy": 0.8}, ["large", "small"]),
        ({"device": "mcxn947", "data": "vww"}, []),
        ({"device": "linux-arm64"}, []),
    ],
)
def test_filters(zoo, filters, expected):
    """What was not measured fulfils no constraint."""
    assert named(**filters) == expected


def test_any_combination_of_filters_is_their_intersection(zoo):
    every = {"device": "mcxn947", "ram": 100_000, "flash": 87_000, "min_accuracy": 0.8, "data": "cifar-10"}
    alone = {name: set(named(**{name: value})) for name, value in every.items()}
    for size in range(2, 6):
        for chosen in itertools.combinations(every, size):
            expected = set.intersection(*(alone[name] for name in chosen))
            assert set(named(**{name: every[name] for name in chosen})) == expected


def test_the_best_of_each_data_set(zoo):
    assert {m.name for m in list_models() if m.best} == {"large", "small", "other"}
    assert [m.name for m in list_models(min_accuracy=0.85) if m.best] == ["large", "other"]


def test_models_that_are_level_are_both_best(zoo, monkeypatch):
    twins = [replace(card, data="vww") for card in listing.MODELS if card.name in {"small", "other"}]
    monkeypatch.setattr(listing, "MODELS", tuple(twins))
    monkeypatch.setattr(results, "accuracy", lambda *_: evaluation("x", "vww", 0.5))
    monkeypatch.setattr(measurements, "compatibility", lambda _: (compatibility("imx93", "ok", "ok", 5),))
    assert [m.best for m in list_models()] == [True, False], "the multiply-adds differ"


def test_verdicts_on_the_device(zoo):
    large = list_models(device="mcxn947")[0]
    assert (large.runs, large.npu, large.arena) == ("ok", "partial", 250_000)
    assert list_models()[0].runs is None


def test_shown(zoo, capsys):
    assert main(["list", "--device", "mcxn947", "--ram", "256k", "--min-accuracy", "0.8"]) == 0
    out = capsys.readouterr().out
    assert "large" in out
    assert "partial" in out
    assert "*" in out
    main(["list", "--flash", "1k"])
    assert capsys.readouterr().out == "none\n"


def test_bad_questions(zoo, capsys):
    with pytest.raises(BadArgumentError, match="expected 0 to 1"):
        list_models(min_accuracy=80)
    with pytest.raises(UnknownNameError, match="did you mean mcxn947"):
        list_models(device="mcxn974")
    with pytest.raises(UnknownNameError, match="did you mean cifar-10"):
        list_models(data="cifar10")
    assert main(["list", "--ram", "lots"]) == 2


def test_plot(zoo, tmp_path):
    listed = list_models(plot=tmp_path / "zoo.png")
    with Image.open(tmp_path / "zoo.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > picture.height > 300
    draw((), tmp_path / "empty.png")
    assert (tmp_path / "empty.png").stat().st_size
    with pytest.raises(RefusedError, match="give a name that ends in"):
        draw(listed, tmp_path / "zoo.pdf")


def test_list_is_quick_and_loads_nothing_heavy():
    """Half a second at the worst on this machine; the bar of 0.4 s is `eyespot list` on an idle one."""
    code = "import sys; from eyespot.cli import main; main(['list']); print(*sys.modules, file=sys.stderr)"
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.perf_counter() - started < 2
    heavy = {"numpy", "torch", "ai_edge_litert", "matplotlib", "PIL", "tflite_micro"}
    assert not heavy & {name.partition(".")[0] for name in done.stderr.split()}
