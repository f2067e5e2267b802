"""The calibration error: computed, measured on real files, refused for images that made a file, and shown."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyespot.artifacts import measurements, reliability
from eyespot.artifacts.measurements import Accuracy
from eyespot.artifacts.model_folder import ModelFolder
from eyespot.data import catalogue
from eyespot.errors import BadFileError, OverlapError
from eyespot.evaluation.reliability import calibration_error
from eyespot.evaluation.reliability import reliability as measured
from eyespot.preprocessing.spec import Confidence, Row
from eyespot.preprocessing.synthetic import picture
from eyespot.reports import card_results, words
from eyespot.reports.page.document import document
from eyespot.reports.page.gather import gather
from eyespot.tflite.contract import rewritten
from eyespot.verbs.show import show
from eyespot.zoo import provenance, registry


def test_the_error_of_a_bin_is_confidence_minus_accuracy() -> None:
    confidences = np.array([0.95, 0.95, 0.55, 0.55], np.float32)
    assert calibration_error(confidences, np.array([True, True, True, False])) == pytest.approx(0.05)
    assert calibration_error(confidences, np.zeros(4, bool)) == pytest.approx(0.75)
    assert calibration_error(np.ones(3), np.ones(3, bool)) == 0.0


@pytest.mark.slow
def test_the_shipped_figure_measured_again(real_data) -> None:
    real_data("cifar-10")
    folder = ModelFolder(registry.home("tiny-resnet"))
    found = measured(folder, folder.file("int8.tflite"), catalogue.dataset("cifar-10"))
    [kept] = reliability.reliabilities("tiny-resnet", {found.artifact})
    assert found.error == pytest.approx(kept.error, abs=0.002)
    assert found.fitted is not None
    assert kept.fitted is not None
    assert found.fitted.error == pytest.approx(kept.fitted.error, abs=0.002)
    assert (kept.n, kept.fitted.n) == (10_000, 5_000)


def own_folder(path: Path, confidence: Confidence | None) -> ModelFolder:
    """A shipped file with a confidence, and its sidecar."""
    home, folder = ModelFolder(registry.home("tiny-resnet")), ModelFolder(path)
    file, record = home.file("int8.tflite"), home.record("int8.tflite")
    assert file.contract
    assert record
    data = rewritten(file.data, replace(file.contract, confidence=confidence))
    fields = {"verb": record.verb, "model": record.model, "arguments": {}, "inputs": record.inputs, "tools": {}}
    folder.path.mkdir()
    folder.save("int8.tflite", data, **fields, facts={})
    return folder


def test_a_users_pictures_and_the_files_own_temperature(tmp_path: Path) -> None:
    for i, name in enumerate(catalogue.dataset("cifar-10").classes * 3):
        path = tmp_path / "pictures" / name / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(i, 32, 32, 3)).save(path)
    data = catalogue.dataset(str(tmp_path / "pictures"))
    folder = own_folder(tmp_path / "mine", Confidence(temperature=2.0, rows=(Row(0.0, 40, 30),)))
    found = measured(folder, folder.file("int8.tflite"), data)
    assert (found.n, found.split) == (30, "all")
    assert found.fitted is not None
    assert (found.fitted.temperature, found.fitted.n) == (2.0, 40)
    assert found.fitted.error != found.error
    plain = own_folder(tmp_path / "plain", None)
    assert measured(plain, plain.file("int8.tflite"), data).fitted is None


def test_images_that_calibrated_are_refused(real_data) -> None:
    real_data("cifar-10")
    folder = ModelFolder(registry.home("tiny-resnet"))
    data = replace(catalogue.dataset("cifar-10"), test="train")
    with pytest.raises(OverlapError, match="trained it"):
        measured(folder, folder.file("int8.tflite"), data)


def test_saved_and_found_by_the_digest_of_the_file(no_data: Path) -> None:
    [shipped] = reliability.reliabilities("tiny-resnet", provenance.digests("tiny-resnet", "int8"))
    reliability.save(replace(shipped, error=0.5), measurements.own())
    first, second = reliability.reliabilities("tiny-resnet", {shipped.artifact})
    assert (first.error, second) == (0.5, shipped)
    assert reliability.reliabilities("tiny-resnet", {"0" * 64}) == ()
    path = measurements.own() / "reliability/tiny-resnet.int8.cifar-10.test.json"
    path.write_text("{}")
    with pytest.raises(BadFileError, match="measure again"):
        reliability.reliabilities("tiny-resnet", {shipped.artifact})


# --- shown


def test_every_view_shows_the_error_and_the_cost(no_data: Path) -> None:
    shown = show("tiny-resnet")
    said = [words.calibration(r) for r in shown.reliabilities]
    page = document(gather("tiny-resnet"))
    assert len(said) == 2
    for r, each in zip(shown.reliabilities, said, strict=True):
        assert f"at temperature {r.fitted.temperature:g}" in each
        assert each in page
    assert shown.training is not None
    assert words.training(shown.training) in page
    assert "energy not measured" in words.training(shown.training)


def test_a_card_tells_classes_and_robustness(no_data: Path) -> None:
    accuracies = [Accuracy(evaluation=e, origin="shipped") for e in measurements.evaluations("tiny-resnet")]
    main = card_results.main(accuracies)
    assert main is not None
    assert (main.precision, main.kernels, main.under) == ("int8", "xnnpack", None)
    classes = card_results.per_class(main, registry.contract("tiny-resnet").classes).splitlines()
    assert len(classes) == 2 + 2 + 10
    assert re.fullmatch(r"\| cat \| 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\] \| \d{3} of 1,000 \|", classes[4])
    robust = card_results.robustness(main, accuracies)
    assert "| rgb565-swapped | 0.1" in robust
    assert robust.count("--under") == 7
    assert card_results.per_class(None, ()) == card_results.robustness(None, accuracies) == ""


def test_classes_without_images_are_left_out_of_a_card(no_data: Path) -> None:
    e = provenance.shown_accuracy("efficientnet-lite2", "int8")
    assert e is not None
    assert (e.data, e.n) == ("imagenette", 500)
    assert card_results.per_class(e, registry.contract("efficientnet-lite2").classes).count("of 50") == 10
