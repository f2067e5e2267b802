"""Calibrated probabilities, and answers that are not given."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eyespot import (
    BadArgumentError,
    BadFileError,
    Confidence,
    MissingDataError,
    Threshold,
    convert,
    predict,
    quantize,
    train,
)
from eyespot.artifacts.model_folder import WEIGHTS
from eyespot.cli import main
from eyespot.data import folder as folders
from eyespot.data import manifest
from eyespot.data.manifest import Manifest
from eyespot.evaluation.confidence import FLOOR, calibrated, choose, fit, floor, probabilities
from eyespot.evaluation.validation import with_confidence
from eyespot.preprocessing.spec import COLDEST, HOTTEST, ROWS, Row
from eyespot.preprocessing.synthetic import picture
from eyespot.reports.terminal import show
from eyespot.tflite import contract as contracts
from eyespot.tflite import run, schema
from eyespot.tflite.read import parse, read
from eyespot.zoo import registry
from pictures import write_folder

PHOTO = picture(0, 40, 40, 3)
TABLE = Confidence(temperature=2.0, rows=(Row(0.0, 100, 80), Row(0.5, 60, 57), Row(0.9, 10, 9)))


@pytest.fixture(scope="module")
def int8():
    return read(registry.find("tiny-resnet"))


def sampled(images: int, temperature: float, classes: int = 10, seed: int = 0) -> tuple[Any, Any]:
    """Probabilities that are `temperature` times as cold as the labels that are drawn say."""
    chance = np.random.default_rng(seed)
    logits = 2 * chance.standard_normal((images, classes))
    labels = (logits + chance.gumbel(size=logits.shape)).argmax(1)
    return calibrated(np.exp(logits), 1 / temperature), labels


def quantized(shares: Any) -> Any:
    """As an int8 softmax stores them."""
    return (np.round(shares * 256) - 128).clip(-128, 127).astype(np.int8)


# --- the temperature


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.5, 3.0])
def test_the_temperature_is_found(temperature, int8):
    shares, labels = sampled(20_000, temperature)
    assert fit(shares, labels).temperature == pytest.approx(temperature, rel=0.03)
    stored = run.to_float(quantized(shares), int8.output)
    found = fit(stored, labels, floor(int8.output, int8.contract)).temperature
    assert found == pytest.approx(temperature, rel=0.15), "from 256 steps, most of them 0"


def test_it_minimises_the_negative_log_likelihood():
    shares, labels = sampled(5_000, 1.7, classes=3)

    def loss(temperature: float) -> float:
        return -float(np.log(calibrated(shares, temperature)[np.arange(len(labels)), labels]).sum())

    found = fit(shares, labels).temperature
    assert loss(found) < min(loss(found * 1.02), loss(found / 1.02))


@pytest.mark.parametrize("images", [1, 5, 30])
def test_few_correct_images_make_no_answer_certain(images):
    shares = np.tile([0.9, 0.06, 0.04], (images, 1))
    confidence = fit(shares, np.zeros(images, np.int64))
    assert 0.4 < confidence.temperature < 1
    assert confidence.rows == (Row(0.0, images, images),)


@pytest.mark.parametrize(("right", "limit"), [(True, COLDEST), (False, HOTTEST)])
def test_the_temperature_stays_in_range(right, limit):
    shares = np.tile([0.5001, 0.4999] if right else [1.0, 0.0], (100_000, 1))
    labels = np.full(len(shares), int(not right))
    assert fit(shares, labels).temperature == limit


def test_probabilities_of_zero_have_a_finite_price():
    shares = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], np.float32)
    found = calibrated(shares, fit(shares, np.array([0, 2, 1])).temperature)
    assert np.isfinite(np.log(found)).all()
    assert found.sum(1) == pytest.approx(1)


@pytest.mark.parametrize("temperature", [COLDEST, 0.7, 1.0, 4.0, HOTTEST])
def test_order_stays_and_sums_are_one(temperature, int8):
    stored = np.random.default_rng(1).integers(-128, 128, (500, 10), np.int8)
    raw = run.to_float(stored, int8.output)
    found = probabilities(
        stored, int8.output, replace(int8.contract, confidence=replace(TABLE, temperature=temperature))
    )
    assert found.sum(1) == pytest.approx(1, abs=1e-5)
    assert (found.argmax(1) == raw.argmax(1)).all() or temperature == COLDEST
    assert (np.diff(np.take_along_axis(found, raw.argsort(1), 1)) >= 0).all()


def test_without_a_temperature_probabilities_are_the_files(int8):
    stored = np.arange(-128, -118, dtype=np.int8)
    assert probabilities(stored, int8.output, replace(int8.contract, confidence=None)).tolist() == [
        step / 256 for step in range(10)
    ]


def test_zeros_of_an_int8_file_share_a_quarter_of_a_step(int8):
    assert floor(int8.output, int8.contract) == pytest.approx(1 / 256 / 4 / 10)
    assert floor(read(registry.find("tiny-resnet:float32")).output, int8.contract) == FLOOR


# --- the table of thresholds


def test_the_table_counts_the_images():
    shares, labels = sampled(3_000, 2.0)
    confidence = fit(shares, labels)
    found = calibrated(shares, confidence.temperature)
    assert 15 <= len(confidence.rows) <= 20
    for row in confidence.rows:
        answered = found.max(1) >= row.threshold
        assert row[1:] == (answered.sum(), (found.argmax(1) == labels)[answered].sum())
        assert round(row.threshold, 4) == row.threshold
    assert confidence.rows[0][:2] == (0.0, 3_000)


@pytest.mark.parametrize("precision", [0.7, 0.8, 0.9])
def test_a_wanted_precision_holds_on_other_images(precision, int8):
    confidence = fit(*sampled(4_000, 2.0))
    threshold = choose(replace(int8.contract, confidence=confidence), int8.path, precision=precision)
    assert precision <= threshold.precision < precision + 0.04
    shares, labels = sampled(50_000, 2.0, seed=1)
    found = calibrated(shares, confidence.temperature)
    answered = found.max(1) >= threshold.confidence
    assert (found.argmax(1) == labels)[answered].mean() == pytest.approx(threshold.precision, abs=0.03)
    assert answered.mean() == pytest.approx(threshold.coverage, abs=0.03)


BAD = {
    "cold": {"temperature": 0.04},
    "hot": {"temperature": 21.0},
    "no number": {"temperature": float("nan")},
    "not rising": {"rows": (Row(0.0, 10, 9), Row(0.5, 8, 8), Row(0.5, 7, 7))},
    "more images": {"rows": (Row(0.0, 10, 9), Row(0.5, 11, 9))},
    "more correct ones": {"rows": (Row(0.0, 10, 5), Row(0.5, 9, 6))},
    "more wrong ones": {"rows": (Row(0.0, 10, 9), Row(0.5, 9, 7))},
    "more correct ones than images": {"rows": (Row(0.0, 10, 11),)},
    "no images": {"rows": (Row(0.0, 0, 0),)},
    "not all images": {"rows": (Row(0.1, 10, 9),)},
    "beyond 1": {"rows": (Row(0.0, 10, 9), Row(1.1, 9, 9))},
}


@pytest.mark.parametrize("name", BAD)
def test_what_no_images_give_is_refused(name):
    with pytest.raises(ValueError, match=r"expected thresholds|temperature is from"):
        replace(TABLE, **BAD[name])


# --- in the file


def content(model: Any) -> dict[str, Any]:
    [entry] = [each for each in model.metadata if each.name == contracts.NAME]
    said: dict[str, Any] = json.loads(bytes(model.buffers[entry.buffer].data))
    return said


def test_a_file_without_confidence_keeps_its_bytes(int8):
    assert contracts.rewritten(int8.data, int8.contract) == int8.data
    assert "version" not in content(int8.model)
    assert "confidence" not in content(int8.model)["contract"]


def test_a_temperature_travels_inside(int8):
    agreed = replace(int8.contract, confidence=TABLE)
    data = contracts.rewritten(int8.data, agreed)
    file = parse(data, Path("x.tflite"))
    assert file.contract == agreed
    said = content(file.model)
    assert (said["version"], said["provenance"]) == (3, content(int8.model)["provenance"])
    assert len(data) - len(int8.data) < 200
    assert contracts.rewritten(data, int8.contract) == int8.data
    tensor = run.encoder(file, agreed)(PHOTO)
    assert np.array_equal(run.open_runner(file, "xnnpack")(tensor), run.open_runner(int8, "xnnpack")(tensor))


@pytest.mark.parametrize("bgr", [False, True])
def test_other_versions_have_no_confidence(int8, bgr):
    spec = replace(int8.contract.preprocessing, order="bgr" if bgr else "rgb")
    model = SimpleNamespace(buffers=[], metadata=[])
    for confidence, version in ((None, 2 if bgr else None), (TABLE, 3)):
        agreed = replace(int8.contract, preprocessing=spec, confidence=confidence)
        contracts.write(model, agreed, {})
        model.buffers = model.buffers[-1:]
        model.metadata[0].buffer = 0
        assert content(model).get("version") == version
        assert contracts.read(model) == agreed


REFUSED = {
    "version 2": ("version", 2),
    "version 4": ("version", 4),
    "nothing": ("contract.confidence", None),
    "no rows": ("contract.confidence.rows", []),
    "too many rows": ("contract.confidence.rows", [[i / 100, 100, 80] for i in range(ROWS + 1)]),
    "a row of four": ("contract.confidence.rows.1", [0.5, 60, 57, 1]),
    "a row of two": ("contract.confidence.rows.1", [0.5, 60]),
    "a part of an image": ("contract.confidence.rows.1", [0.5, 60.5, 57]),
    "a negative number of images": ("contract.confidence.rows.2", [0.9, 10, -1]),
    "a word for a threshold": ("contract.confidence.rows.1", ["0.5", 60, 57]),
    "a yes for a threshold": ("contract.confidence.rows.2", [True, 10, 9]),
    "a word for a temperature": ("contract.confidence.temperature", "2"),
    "infinity": ("contract.confidence.temperature", 1e999),
    "cold": ("contract.confidence.temperature", 0),
    "more": ("contract.confidence.more", 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_damaged_confidence_is_one_line(int8, name):
    path, value = REFUSED[name]
    model = schema.unpack(contracts.rewritten(int8.data, replace(int8.contract, confidence=TABLE)))
    said = content(model)
    *way, last = path.split(".")
    place: Any = said
    for step in way:
        place = place[int(step) if step.isdecimal() else step]
    place[int(last) if last.isdecimal() else last] = value
    [entry] = [each for each in model.metadata if each.name == contracts.NAME]
    model.buffers[entry.buffer].data = np.frombuffer(json.dumps(said).encode(), np.uint8)
    with pytest.raises(BadFileError, match=r"x\.tflite: is a damaged \.tflite file"):
        parse(schema.pack(model), Path("x.tflite"))


# --- predict


@pytest.fixture
def own(int8, tmp_path) -> str:
    """tiny-resnet with a temperature."""
    path = tmp_path / "own.tflite"
    path.write_bytes(contracts.rewritten(int8.data, replace(int8.contract, confidence=TABLE)))
    return str(path)


def test_predict_calibrates(own):
    (raw,), (found,) = predict("tiny-resnet", PHOTO, top=10), predict(own, PHOTO, top=10)
    assert found.answer == raw.answer == raw.classes[0][0]
    assert raw.classes[0][1] > found.classes[0][1], "a temperature of 2 takes from the first"
    assert sum(share for _, share in found.classes) == pytest.approx(1, abs=1e-6)


def test_none_of_these():
    (found,) = predict("tiny-resnet", PHOTO)
    least = found.classes[0][1]
    assert predict("tiny-resnet", PHOTO, min_confidence=least)[0].answer == found.answer
    (refused,) = predict("tiny-resnet", PHOTO, min_confidence=least + 1e-6)
    assert (refused.answer, refused.classes) == (None, found.classes)
    assert refused.threshold == Threshold(confidence=least + 1e-6)


def test_none_of_these_on_the_command_line(tmp_path, capsys):
    Image.fromarray(PHOTO).save(tmp_path / "x.png")
    words = ["predict", "tiny-resnet", str(tmp_path / "x.png"), "--top", "1", "--min-confidence"]
    assert main([*words, "1", "--json"]) == 0
    (said,) = json.loads(capsys.readouterr().out)
    assert said["answer"] is None
    assert said["threshold"]["confidence"] == 1
    assert main([*words, "1"]) == 0
    name, share = said["classes"][0]
    assert capsys.readouterr().out == f"{tmp_path / 'x.png'}: none of these ({name} {100 * share:.1f} %)\n"
    assert main([*words, "0.01"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'x.png'}: {name} {100 * share:.1f} %\n"


def test_the_least_confidence_of_a_precision(own, capsys):
    (found,) = predict(own, PHOTO, min_precision=0.9)
    threshold = found.threshold
    assert (threshold.confidence, threshold.precision, threshold.answered) == (0.5, 57 / 60, 60)
    assert (threshold.coverage, threshold.n) == (0.6, 100)
    assert 0.86 < threshold.low < 0.95 < threshold.high < 0.99
    show((found,))
    expected = (
        "confidence 0.5000 or more: precision 0.9500 [0.863, 0.983], n = 60; 60 % of 100 validation images answered"
    )
    assert capsys.readouterr().out.splitlines()[1] == expected


def test_a_precision_that_cannot_be_reached_is_one_line(own, tmp_path, capsys):
    Image.fromarray(PHOTO).save(tmp_path / "x.png")
    assert main(["predict", own, str(tmp_path / "x.png"), "--min-precision", "0.96"]) == 1
    assert capsys.readouterr().err == (
        f"eyespot: {own}: expected a precision of 0.96, found at most 0.950 (57 of 60 answers; 100 validation "
        "images). Ask for less, or train on more images\n"
    )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"min_precision": 0.9}, MissingDataError, "tiny-resnet/int8.tflite: expected a table of thresholds"),
        ({"min_confidence": 80}, BadArgumentError, "min_confidence: expected a share above 0, .* found 80"),
        ({"min_confidence": float("nan")}, BadArgumentError, "found nan"),
        ({"min_precision": 0}, BadArgumentError, "min_precision: .* found 0"),
        ({"min_precision": 0.9, "min_confidence": 0.8}, BadArgumentError, "expected one of them, found both"),
    ],
)
def test_thresholds_that_make_no_sense(options, error, message):
    with pytest.raises(error, match=message):
        predict("tiny-resnet", PHOTO, **options)


# --- measured on validation images


@pytest.fixture
def pictured(int8, tmp_path) -> Path:
    """A folder with the manifest of 60 pictures of tiny-resnet's classes."""
    photos, mine = tmp_path / "photos", tmp_path / "mine"
    mine.mkdir()
    for index in range(60):
        target = photos / int8.contract.classes[index % 10] / f"{index}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(index, 32, 32, 3)).save(target)
    manifest.save(manifest.decide(folders.card(photos)), mine)
    return mine


def repart(mine: Path, part: Any) -> None:
    """Give each image of the manifest the part that `part(number)` says."""
    noted = manifest.load(mine)
    rows = tuple((file, sha256, name, part(int(Path(file).stem))) for file, sha256, name, _ in noted.rows)
    manifest.save(Manifest(data=noted.data, rows=rows), mine)


def test_a_file_is_measured_on_its_validation_images(int8, pictured):
    repart(pictured, lambda i: "validation" if i < 25 else "test" if i < 40 else "train")
    made = parse(with_confidence(int8.data, pictured / "int8.tflite", pictured), Path("x.tflite"))
    images = [picture(i, 32, 32, 3) for i in range(25)]
    encode, answer = run.encoder(int8, int8.contract), run.open_runner(int8, "xnnpack")
    shares = run.to_float(np.stack([answer(encode(image)) for image in images]), int8.output)
    expected = fit(shares, np.arange(25) % 10, floor(int8.output, int8.contract))
    assert made.contract == replace(int8.contract, confidence=expected)
    assert expected.rows[0].answered == 25


def test_test_images_are_not_used(int8, pictured):
    """Pictures of the validation part that are in the test part too, in another format."""
    photos = pictured.parent / "photos"
    for index in range(5):
        name = photos / int8.contract.classes[index] / f"{100 + index}.bmp"
        Image.fromarray(picture(index, 32, 32, 3)).save(name)
    manifest.save(manifest.decide(folders.card(photos)), pictured)
    repart(pictured, lambda i: "validation" if i < 25 else "test" if i >= 100 else "train")
    made = parse(with_confidence(int8.data, pictured / "int8.tflite", pictured), Path("x.tflite"))
    assert made.contract.confidence.rows[0].answered == 20


def test_nothing_is_stored_without_validation_images(int8, pictured, tmp_path):
    def stored(origin: Path) -> bool:
        return with_confidence(int8.data, tmp_path / "int8.tflite", origin) != int8.data

    assert stored(pictured)
    assert not stored(tmp_path), "without a manifest"
    noted = (pictured / manifest.NAME).read_text()
    repart(pictured, lambda _: "train")
    assert not stored(pictured), "without a validation part"
    (pictured / manifest.NAME).write_text(noted)
    (pictured.parent / "photos/cat").rename(pictured.parent / "cat")
    assert not stored(pictured), "without some images"
    (pictured / manifest.NAME).write_text("data,imagenet-like\nfile,sha256,class,part\n")
    assert not stored(pictured), "of other data"


def test_an_old_confidence_does_not_stay(int8, tmp_path):
    """That of the float32 file is in the contract that the int8 file starts with."""
    data = contracts.rewritten(int8.data, replace(int8.contract, confidence=TABLE))
    assert with_confidence(data, tmp_path / "int8.tflite", tmp_path) == int8.data


@pytest.mark.slow
def test_from_training_to_a_wanted_precision(tmp_path):
    pytest.importorskip("torch")
    write_folder(tmp_path / "photos", 200)
    mine = tmp_path / "mine"
    trained = train("tiny-resnet", data=str(tmp_path / "photos"), out=mine, threads=1)
    quantize(str(mine))
    float32, int8 = (read(mine / f"{name}.tflite").contract.confidence for name in ("float32", "int8"))
    assert float32.rows[0].answered == int8.rows[0].answered == trained.n
    data = (mine / "float32.tflite").read_bytes()
    again = parse(with_confidence(data, mine / "float32.tflite", mine), mine / "float32.tflite")
    assert again.contract.confidence.temperature == pytest.approx(float32.temperature, rel=0.01), "the file's own"
    converted = convert("tiny-resnet", weights=str(mine / WEIGHTS), out=tmp_path / "again")
    assert converted.sha256 == trained.float32.sha256
    assert predict(str(mine), PHOTO, min_precision=0.5)[0].threshold.n == trained.n
    assert json.loads((mine / f"{WEIGHTS}.json").read_text())["facts"]["confidence"] == json.loads(
        json.dumps(asdict(float32))
    )
