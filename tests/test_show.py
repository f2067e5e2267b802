"""show and list on one screen, the commands that follow, and the names in the plot."""

from __future__ import annotations

import io
import json
import shutil

import pytest
from matplotlib.figure import Figure
from rich.console import Console

from commands import fails, run
from eyespot.artifacts import places
from eyespot.reports.labels import place
from eyespot.reports.terminal import rendered
from eyespot.verbs.list import list_models
from eyespot.verbs.show import show
from eyespot.zoo.models import MODELS

ZOO = places.ZOO / "tiny-resnet"


def screen(result: object) -> list[str]:
    """A noun as a terminal of 80 columns shows it."""
    text = io.StringIO()
    Console(width=80, file=text, highlight=False, markup=False).print(rendered(result))
    return [line.rstrip() for line in text.getvalue().splitlines()]


@pytest.fixture
def folder(tmp_path):
    """A folder as `train` and `quantize` leave it."""
    for path in ZOO.glob("*.tflite*"):
        shutil.copy(path, tmp_path / path.name)
    return tmp_path


# --- show


@pytest.mark.parametrize("name", [card.name for card in MODELS])
def test_a_model_fits_one_screen(name, no_data):
    lines = screen(show(name))
    assert len(lines) <= 28, "and the prompt"
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert "top-1 float32" in text
    assert "imx93" in text
    assert f"  eyespot show {name} --all" in lines


def test_all_adds_the_rest(no_data):
    short, full = screen(show("tiny-resnet")), screen(show("tiny-resnet", all_=True))
    assert len(full) > 3 * len(short)
    assert any("sha256" in line for line in full)
    assert not any("--all" in line for line in full)


def test_what_is_not_here_says_how_to_build_it(no_data):
    found = show("mobilenet-v2")
    assert (found.files, found.next[0]) == ((), "eyespot make mobilenet-v2 --calibration FOLDER")
    (no_data / "imagenet").mkdir(parents=True)
    assert show("mobilenet-v2").next[0] == "eyespot make mobilenet-v2"


def test_a_folder_and_a_file(folder):
    found = show(folder)
    assert [each.path.name for each in found.files] == ["int8.tflite", "float32.tflite"]
    assert found.files[0].evaluations, "measured of the same bytes"
    assert found.next[1] == f"eyespot make {folder} --device imx93"
    alone = show(folder / "float32.tflite")
    assert alone.files[0].precision == "float32"
    (folder / "int8.tflite").rename(folder / "mine.tflite")
    (folder / "int8.tflite.json").unlink()
    found = show(folder / "mine.tflite")
    assert "eyespot check" in found.next[1]
    assert found.contract.model == "tiny-resnet"


def test_a_folder_of_several_files_and_of_none(capsys, folder, tmp_path_factory):
    many = tmp_path_factory.mktemp("many")
    for name in "ab":
        shutil.copy(ZOO / "int8.tflite", many / f"{name}.tflite")
    assert [each.name for each in show(many)] == ["a.tflite", "b.tflite"]
    empty = tmp_path_factory.mktemp("empty")
    assert f"eyespot inspect {empty}" in fails(capsys, "show", empty)


def test_a_file_without_a_contract(data_root):
    found = show(data_root / "published/mobilenet_v2_1.0_224_quant.tflite")
    assert found.contract is None
    assert "doctor" in found.next[0]
    assert "1 x 224 x 224 x 3 uint8" in " ".join(screen(found))


def test_names_from_outside_are_escaped(folder):
    made = folder.rename(folder.with_name("a[red]\x1b"))
    assert screen(show(made))[0].startswith("a[red]\\x1b: ")


# --- list


def test_the_list_fits_and_says_how_to_build(no_data):
    lines = screen(list_models())
    assert max(map(len, lines)) <= 80
    assert "  eyespot make mnasnet --calibration FOLDER" in lines
    assert any(line.startswith("* tiny-resnet") and "[0.901, 0.913]" in line for line in lines)
    assert any(line.split() == ["cifar-10", "n", "=", "10,000"] for line in lines)
    assert any(line.split() == ["imagenet", "n", "=", "500", "of", "imagenette"] for line in lines)
    assert "weights tf-slim-quantised" in "\n".join(lines), "a stand-in is named beside its figure"
    here = {m.name: m.here for m in list_models()}
    assert (here["tiny-resnet"], here["mobilenet-v2"]) == (True, False)


def test_intervals_are_of_the_shown_accuracy(no_data):
    for model in list_models():
        assert (model.low is None) == (model.top1 is None)
        assert model.top1 is None or model.low < model.top1 < model.high


# --- the plot


def test_names_cover_neither_points_nor_each_other():
    figure = Figure(figsize=(12, 5.5), dpi=120, layout="constrained")
    axes = figure.subplots()
    crowd = [(1.0 + i % 4 / 50, 0.7 + i / 100, 0.69 + i / 100, 0.71 + i / 100, f"model-number-{i}") for i in range(12)]
    axes.scatter([x for x, *_ in crowd], [y for _, y, *_ in crowd])
    axes.margins(0.2)
    place(axes, crowd)
    boxes = [label.get_window_extent() for label in axes.texts]
    points = axes.transData.transform([(x, y) for x, y, *_ in crowd])
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert not any(box.contains(*point) for box in boxes for point in points)
    assert all(axes.bbox.contains(box.x0, box.y0) and axes.bbox.contains(box.x1, box.y1) for box in boxes)


# --- what follows


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("check", "tiny-resnet", "--device", "imx93"), "next: eyespot make tiny-resnet --device imx93"),
        (("check", "tiny-resnet", "--device", "mcxn947"), "next: eyespot check tiny-resnet --device mcxn947 --explain"),
        (("list",), "next: eyespot show deepface-emotion"),
        (("export", "tiny-resnet", "--to", "folder", "--out", "linux"), "next: python3 linux/classify.py PICTURE"),
    ],
)
def test_a_verb_names_the_next_command(capsys, monkeypatch, tmp_path, words, expected):
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert out.splitlines()[-1] == expected
    _, out, _ = run(capsys, *words, "--json")
    json.loads(out)
