"""Models that are built from published weights: the light road, the marks of stand-ins, calibration."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from eyespot.artifacts import places
from eyespot.artifacts.sidecars import Artifact, read_sidecar, sidecar
from eyespot.errors import BadFileError, MissingDataError, RefusedError, UnknownNameError
from eyespot.preprocessing.synthetic import picture, write_folder
from eyespot.tflite.read import read
from eyespot.verbs.convert import convert
from eyespot.verbs.evaluate import evaluate
from eyespot.verbs.measure import measure
from eyespot.verbs.quantize import quantize
from eyespot.verbs.report import report
from eyespot.zoo import provenance, registry
from eyespot.zoo.models import MODELS


@pytest.fixture(scope="module")
def visual_wake_word(data_root, tmp_path_factory):
    """Built as on a user's machine: adopted, and calibrated on photographs."""
    folder = tmp_path_factory.mktemp("vww")
    convert("visual-wake-word", weights="mlperf-tiny-tflite", out=folder)
    quantize(str(folder), calibration="imagenet-like")
    return folder


def test_a_published_float32_file_needs_no_torch(visual_wake_word):
    made = read_sidecar(visual_wake_word / "float32.tflite")
    assert set(made.tools) == {"eyespot"}
    assert made.facts["bytes"] <= 866_284
    assert provenance.broken(registry.model("visual-wake-word"), (made,)) == ""


def test_visual_wake_word_reaches_its_bars(visual_wake_word):
    float32 = evaluate(str(visual_wake_word / "float32.tflite"))
    int8 = evaluate(str(visual_wake_word))
    assert float32.n == int8.n == 1000
    assert float32.top1 == pytest.approx(0.853, abs=0.001)
    assert int8.top1 >= float32.top1 - 0.005
    assert read_sidecar(visual_wake_word / "int8.tflite").facts["bytes"] <= 260_000


def test_the_calibration_is_told(visual_wake_word):
    facts = read_sidecar(visual_wake_word / "int8.tflite").facts
    assert facts["calibration"] == "imagenet-like calibration"
    assert len(facts["calibration_images"]) == 100


def test_images_that_calibrated_are_refused_even_of_another_data_set(visual_wake_word, tmp_path, data_root):
    """A user's folder that holds one of the calibration photographs."""
    import shutil

    photo = sorted((data_root / "imagenet-like/images").iterdir())[0]
    for name in ("no person", "person"):
        (tmp_path / name).mkdir()
        shutil.copy(photo, tmp_path / name)
    with pytest.raises(RefusedError, match="2 of the 2 images calibrated it"):
        evaluate(str(visual_wake_word), data=str(tmp_path))


def test_without_training_images_calibration_must_be_named(visual_wake_word, no_data, tmp_path):
    with pytest.raises(MissingDataError, match="--calibration FOLDER"):
        quantize(str(visual_wake_word), out=tmp_path)


def test_a_users_folder_calibrates(visual_wake_word, tmp_path):
    write_folder(tmp_path / "pictures", 12)
    made = quantize(str(visual_wake_word), calibration=str(tmp_path / "pictures"), out=tmp_path, explain=True)
    assert made.artifact.facts["calibration"] == "pictures train"
    ratios = [layer.signal_to_noise for layer in made.layers]
    assert len(ratios) == 28
    assert ratios == sorted(ratios)
    assert all(0 < layer.range_used <= 1 and layer.scale > 0 for layer in made.layers)


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    """Random weights: operators and sizes of the real thing."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("stand-in")
    convert("visual-wake-word", weights="random", out=folder)
    write_folder(folder / "pictures", 8)
    quantize(str(folder), calibration=str(folder / "pictures"))
    return folder


def test_a_stand_in_is_marked_in_both_sidecars(stand_in):
    for precision in ("float32", "int8"):
        record = read_sidecar(stand_in / f"{precision}.tflite")
        assert provenance.stand_in(record) == "random"
        assert record.facts["operations"] == read(stand_in / f"{precision}.tflite").operations


def test_a_stand_in_never_fills_an_accuracy_cell(stand_in, no_data, monkeypatch, tmp_path):
    import shutil

    home = no_data / "models/visual-wake-word"
    shutil.copytree(stand_in, home)
    done = measure("visual-wake-word")
    assert done.evaluations == ()
    assert "stand-in weights" in done.left_out[0]
    row = next(r for r in report().rows if r["Model name"] == "Visual Wake Word")
    assert row["INT8 size"].split("\n")[0].endswith("(stand-in)")


def test_models_that_are_not_built_say_how(no_data):
    with pytest.raises(MissingDataError, match="build it with: eyespot make mobilenet-v2"):
        registry.find("mobilenet-v2")


def test_unknown_weights_name_the_known():
    with pytest.raises(UnknownNameError, match="tf-slim"):
        convert("mobilenet-v1", weights="tf-slimm")


def test_published_weights_of_the_wrong_bytes(no_data, tmp_path):
    path = no_data / "published/vww_96_float.tflite"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"other")
    with pytest.raises(BadFileError, match="is not the published file"):
        convert("visual-wake-word", weights="mlperf-tiny-tflite", out=tmp_path)


RECORD = {"file": "x", "sha256": "0" * 64, "model": "m", "tools": {}, "facts": {}}


@pytest.mark.parametrize(
    ("weights", "digest", "told"),
    [
        ("mlperf-tiny", "f" * 64, "made from unknown weights ffff"),
        ("nobody", "1" * 64, "unknown weights 1111"),
    ],
)
def test_a_chain_that_ends_elsewhere_is_broken(weights, digest, told):
    link = Artifact(**RECORD, verb="convert", arguments={"weights": weights}, inputs={"weights": digest})
    assert told in provenance.broken(registry.model("tiny-resnet"), (link,))


SIDECARS = [
    (card, precision)
    for card in MODELS
    for precision in ("float32", "int8")
    if sidecar(places.ZOO / card.name / f"{precision}.tflite").exists()
]


@pytest.mark.parametrize(("card", "precision"), SIDECARS, ids=lambda each: getattr(each, "name", each))
def test_shipped_sidecars_form_whole_chains(card, precision):
    links = provenance.chains(card.name, precision)[-1]
    assert provenance.stand_in(links[0]) or provenance.broken(card, links) == ""
    record = read_sidecar(places.ZOO / card.name / f"{precision}.tflite")
    assert record.facts["operations"] == pytest.approx(card.operations, rel=0.05)
    assert json.dumps(record.facts).find("/") == -1  # no paths


def test_a_folder_without_classes_calibrates(visual_wake_word, tmp_path):
    """Calibration needs no labels."""
    (tmp_path / "pictures").mkdir()
    for i in range(6):
        Image.fromarray(picture(i, 50, 60, 3)).save(tmp_path / "pictures" / f"{i}.png")
    made = quantize(str(visual_wake_word), calibration=str(tmp_path / "pictures"), out=tmp_path)
    assert made.artifact.facts["calibration"] == "pictures all"
    assert len(made.artifact.facts["calibration_images"]) == 6
    (tmp_path / "pictures" / "notes.txt").touch()
    with pytest.raises(BadFileError, match=r"1 of 7 entries are not images \(notes.txt"):
        quantize(str(visual_wake_word), calibration=str(tmp_path / "pictures"), out=tmp_path)
