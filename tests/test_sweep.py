"""train --sweep: what is compared, what is repeated, what is said. On a cluster: test_cluster.py."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import eyespot
from eyespot.artifacts.model_folder import WEIGHTS
from eyespot.errors import BadArgumentError, EyespotError, RefusedError
from eyespot.evaluation.metrics import subset
from eyespot.reports.sweep import write_sweep
from eyespot.reports.terminal import rendered
from eyespot.training import grid, sweep
from eyespot.training.outcome import Sweep, Trial
from eyespot.zoo import registry
from pictures import write_folder
from sweeps import needs_tune

RECIPE = registry.model("tiny-resnet").recipe

# --- the settings


def test_every_combination_in_the_order_given():
    settings, seeds = grid.parse(["learning_rate=0.003,1e-2  seeds=3", "flip=true,false layers=all"], own=True)
    assert seeds == 3
    assert [grid.label(each) for each in settings] == [
        f"learning_rate={rate},flip={flip},layers=all" for rate in (0.003, 0.01) for flip in ("true", "false")
    ]


def test_seeds_alone_are_one_setting():
    assert grid.parse(["seeds=5"], own=False) == ([{}], 5)
    assert grid.parse(["batch=64,128,64"], own=False) == ([{"batch": 64}, {"batch": 128}], 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr=0.1", r"expected seeds=N or FIELD=VALUE,..., of epochs, batch, learning_rate, .*, blur; found 'lr=0.1'"),
        ("layers=all", "expected seeds=N .*; found 'layers=all'"),  # a recipe trains them all
        ("epochs", "epochs: expected a number from 1 to 10000, found ''"),
        ("epochs=2.5", "epochs: expected a number from 1 to 10000, found '2.5'"),
        ("learning_rate=0", "learning_rate: expected a number from 1e-09 to 1000, found '0'"),
        ("learning_rate=0.1,nan", "learning_rate: .* found 'nan'"),
        ("flip=yes", "flip: expected true or false, found 'yes'"),
        ("seeds=0", "seeds: expected a number from 1 to 1000"),
        ("seeds=2,3", "expected one number of seeds"),
        ("seeds=600 batch=1,2", "expected .* at most 1,000 runs"),
        ("batch=1 batch=2", "batch is given twice"),
    ],
)
def test_a_bad_sweep_is_one_line(text, message):
    with pytest.raises(BadArgumentError, match=f"^sweep: {message}") as caught:
        eyespot.train("tiny-resnet", sweep=[text])
    assert "\n" not in str(caught.value)


def test_every_field_is_one_of_the_recipe():
    for name, (kind, least, most) in grid.KINDS.items():
        value = kind(least) if kind is bool else kind(least + (most - least) / 2)
        assert grid.changed(RECIPE, None, {name: value}) != RECIPE or name in {"bfloat16", "balanced", "flip"}
    assert grid.changed(RECIPE, None, None) == RECIPE
    assert grid.changed(RECIPE, 3, {"learning_rate": 0.5}) == replace(RECIPE, epochs=3, peak=0.5)
    assert grid.changed(RECIPE, 3, {"epochs": 4, "zoom": 0.5}).augmentation.zoom == 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 3, "sweep": ["epochs=1,2"]}, "--epochs and --sweep epochs=...: give one of them"),
        ({"layers": "all", "sweep": ["layers=last,all"]}, "--layers and --sweep layers=...: give one of them"),
        ({"layers": "last", "sweep": ["zoom=0,0.1"]}, "--sweep zoom: the last layer alone has no recipe"),
        ({"cluster": "auto"}, "--cluster: goes with --sweep"),
    ],
)
def test_options_that_do_not_go_together(options, message, tmp_path):
    with pytest.raises(RefusedError, match=message):
        eyespot.train("tiny-resnet", data=str(tmp_path), out=tmp_path / "out", **options)


# --- the comparison


def runs(folder: Path, correct: dict[float, tuple[int, ...]]) -> list[Trial]:
    """Of so many correct answers of 100 by learning rate and seed; -1 failed."""
    return [
        Trial(
            fields={"learning_rate": rate}, seed=seed, folder=folder / f"learning_rate={rate},seed={seed}",
            validation=None if n < 0 else subset(np.arange(100) < n),
            error="crashed: SIGSEGV" if n < 0 else "",
        )
        for rate, counts in correct.items()
        for seed, n in enumerate(counts)
    ]  # fmt: skip


def compared(folder: Path, correct: dict[float, tuple[int, ...]]) -> Sweep:
    return sweep.compared("tiny-resnet", folder, [{"learning_rate": rate} for rate in correct], runs(folder, correct))


def shown(noun: Sweep) -> str:
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(rendered(noun))
    return console.export_text()


def test_the_best_has_the_highest_mean(tmp_path):
    found = compared(tmp_path, {0.1: (80, 90, 85), 0.2: (99, 60, 60), 0.3: (-1, 84, 86), 0.4: (-1, -1, -1)})
    assert found.best.fields == {"learning_rate": 0.1}
    assert found.chosen == tmp_path / "learning_rate=0.1,seed=1"
    assert [round(each.mean, 4) for each in found.settings] == [0.85, 0.73, 0.85]
    assert found.best.deviation == pytest.approx(0.05)
    assert (found.best.lowest, found.best.highest, found.best.n) == (0.8, 0.9, 100)
    assert found.settings[2].seeds == (1, 2)


def test_what_people_read(tmp_path):
    text = shown(compared(tmp_path, {0.1: (80, 90), 0.2: (85, 85), 0.3: (70, -1)}))
    assert re.search(r"0\.1 +0\.8500 \[0\.767, 0\.907\] +0\.0707 +0\.8000 +0\.9000 +2 +100 +best", text)
    assert "Not told apart from the best, by seeds or by 100 images: learning_rate=0.2." in text
    assert "learning_rate=0.3,seed=1 failed: crashed: SIGSEGV" in text
    assert f"next: eyespot quantize {tmp_path / 'learning_rate=0.1,seed=1'}" in text
    assert "One seed says nothing of the spread" in shown(compared(tmp_path, {0.1: (80,)}))


def test_all_failed(tmp_path):
    with pytest.raises(EyespotError, match=r"all 2 runs failed: crashed: SIGSEGV"):
        compared(tmp_path, {0.1: (-1, -1)})


def test_the_files(tmp_path):
    write_sweep(compared(tmp_path, {0.1: (80, 90), 0.2: (-1, 85)}))
    rows = list(csv.DictReader((tmp_path / "sweep.csv").read_text().splitlines()))
    assert [(row["learning_rate"], row["seed"], row["validation_top1"], row["error"]) for row in rows] == [
        ("0.1", "0", "0.8", ""),
        ("0.1", "1", "0.9", ""),
        ("0.2", "0", "", "crashed: SIGSEGV"),
        ("0.2", "1", "0.85", ""),
    ]
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")


# --- on this machine


@needs_tune
@pytest.mark.slow
def test_a_stopped_sweep_continues_and_a_failed_run_stops_no_other(no_data, tmp_path):
    write_folder(tmp_path / "pictures", 60)
    damaged = tmp_path / "out" / "seed=1" / "checkpoint.safetensors"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"rubbish")
    words = ("train", "tiny-resnet", "--data", "pictures", "--layers", "all", "--epochs", "1", "--out", "out")
    argv, pipe = [sys.executable, "-m", "eyespot", *words, "--sweep", "seeds=3", "--json"], subprocess.PIPE

    with subprocess.Popen(argv, stdout=pipe, stderr=pipe, text=True, process_group=0, cwd=tmp_path) as running:
        assert running.stderr
        said = [running.stderr.readline() for _ in range(3)]  # the second run fails at once
        os.killpg(running.pid, signal.SIGINT)
        found, rest = running.communicate(timeout=20)
    assert (found, rest.splitlines()[-1]) == ("", "eyespot: out: stopped; the same command continues")
    assert re.match(r"eyespot: seed=0: [01]\.\d{4} \(1 of 3\)", said[1])
    assert re.match(r"eyespot: seed=1: .*checkpoint.safetensors: damaged checkpoint .*\(2 of 3\)", said[2])
    first = tmp_path / "out" / "seed=0" / WEIGHTS
    written = first.stat().st_mtime_ns

    done = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert re.search(r"eyespot: 3 runs in .*/out; [12] are finished\n", done.stderr)
    swept = json.loads(done.stdout)
    assert [bool(each["error"]) for each in swept["trials"]] == [False, True, False]
    assert swept["best"]["seeds"] == [0, 2]
    assert first.stat().st_mtime_ns == written
    assert {"sweep.csv", "sweep.png"} <= {each.name for each in (tmp_path / "out").iterdir()}
    assert not (tmp_path / "out" / ".ray-tune").exists()
