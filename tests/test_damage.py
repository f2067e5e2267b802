"""What a camera does to pictures, and how files do on them."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eyespot.cli import main
from eyespot.errors import RefusedError
from eyespot.preprocessing import damage
from eyespot.preprocessing.spec import Preprocessing
from eyespot.preprocessing.synthetic import picture
from eyespot.tflite.run import encoder_of
from eyespot.verbs.evaluate import evaluate
from eyespot.verbs.report import report
from eyespot.zoo import provenance, registry
from pictures import write_folder

CHANNELS = [(name, c) for name in damage.DAMAGES for c in (1, 3) if c == 3 or name not in damage.OF_COLOURS]


@pytest.mark.parametrize(("name", "channels"), CHANNELS)
@settings(deadline=None, max_examples=20)
@given(st.data())
def test_an_image_stays_an_image(name, channels, data):
    shape = (data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40)), channels)
    image = data.draw(arrays(np.uint8, shape))
    given_ = image.copy()
    found = damage.DAMAGES[name](image)
    assert (found.shape, found.dtype) == (image.shape, np.uint8)
    assert np.array_equal(image, given_), "changed in place"


@pytest.mark.parametrize("name", [name for name in damage.DAMAGES if name not in {"bgr", "rgb565-swapped"}])
def test_damage_is_mild(name):
    image = picture(3, 32, 32, 3)
    change = np.abs(damage.DAMAGES[name](image).astype(int) - image)
    assert 0 < change.mean() < 40


def test_bgr_is_its_own_inverse():
    image = picture(0, 8, 8, 3)
    assert np.array_equal(damage.bgr(image)[..., 0], image[..., 2])
    assert np.array_equal(damage.bgr(damage.bgr(image)), image)


def test_rgb565_keeps_the_ends_and_as_many_levels_as_bits():
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    found = damage.rgb565(levels)
    assert [len(np.unique(found[..., i])) for i in range(3)] == [32, 64, 32]
    assert found.min() == 0
    assert found.max() == 255
    assert np.array_equal(damage.rgb565(found), found)


def test_rgb565_with_swapped_bytes():
    """Red is the word 0xF800, which becomes 0x00F8: some green and much blue."""
    image = np.array([[[255, 0, 0], [0, 0, 0], [255, 255, 255]]], np.uint8)
    assert damage.DAMAGES["rgb565-swapped"](image).tolist() == [[[0, 28, 198], [0, 0, 0], [255, 255, 255]]]


def test_damage_is_done_to_rgb_whatever_the_file_takes():
    image = picture(0, 8, 8, 3)
    rgb = Preprocessing(height=8, width=8)
    same = np.arange(256, dtype=np.uint8)
    for under in damage.DAMAGES:
        found = [encoder_of(replace(rgb, order=order), same, under)(image) for order in ("rgb", "bgr")]
        assert np.array_equal(found[0][..., ::-1], found[1])


def test_exposure_clips():
    image = np.array([[[0, 100, 250]]], np.uint8)
    assert damage.DAMAGES["brighter"](image).tolist() == [[[0, 120, 255]]]
    assert damage.DAMAGES["darker"](image).tolist() == [[[0, 80, 200]]]


@pytest.fixture
def photos(tmp_path):
    """Pictures that a CIFAR-10 file takes, as a folder with its classes."""
    write_folder(tmp_path / "photos", 40)
    files = sorted((tmp_path / "photos").rglob("*.png"))
    rows = "".join(f"{p.relative_to(tmp_path / 'photos').as_posix()},{i % 10}\n" for i, p in enumerate(files))
    (tmp_path / "photos/labels.csv").write_text("file,class_index\n" + rows)
    return tmp_path / "photos"


def test_evaluate_says_under_what(photos, capsys):
    clean = evaluate("tiny-resnet", data=str(photos))
    darker = evaluate("tiny-resnet", data=str(photos), under="darker")
    assert (clean.under, darker.under) == (None, "darker")
    assert darker.command.endswith("--under darker")
    assert darker.data_digest == clean.data_digest, "the images are the same, what is done to them is told"
    assert darker.confusion != clean.confusion
    assert main(["evaluate", "tiny-resnet", "--data", str(photos), "--under", "fog"]) == 2
    assert "fog" in capsys.readouterr().err


def test_colours_of_gray_images_are_refused(real_data):
    real_data("fer2013")
    with pytest.raises(RefusedError, match="takes gray images, to which bgr does nothing"):
        evaluate("deepface-emotion", under="bgr")


def test_robustness_ships_with_the_models_that_ship(no_data):
    for row in report().rows:
        name = next(m.name for m in registry.MODELS if m.title == row["Model name"])
        if registry.ships(name):
            card = registry.model(name)
            found = provenance.robustness(name, card.data)
            told = set(damage.DAMAGES) - (damage.OF_COLOURS if card.preprocessing.channels == 1 else set())
            assert set(found) == told
            assert {e.artifact for e in found.values()} == {provenance.accuracy(name, "int8").artifact}
            assert re.match(r"jpeg: [+-]\d\.\d \(0\.\d{3}\)", row["Robustness"])
