"""Pipelines: how somebody feeds a network, in words and in tensors."""

from itertools import product

import numpy as np
import pytest
from PIL import Image

from eyespot.errors import BadArgumentError, UnknownNameError
from eyespot.preprocessing.image import decode
from eyespot.preprocessing.pipeline import RANGES, WORDS, Pipeline, changed, parse, pipeline_of, preprocessing_of, words
from eyespot.preprocessing.spec import Preprocessing
from eyespot.preprocessing.tensors import levels, pixels, sideways, stored
from eyespot.tflite.read import Tensor
from eyespot.tflite.run import encoder_of
from eyespot.tflite.run import levels as contract_levels

FLOAT = ("float32", 0.0, 0)
TYPES = (FLOAT, ("int8", 1.0, -128), ("int8", 1 / 127.5, 0), ("uint8", 0.0078125, 128), ("int8", 0.0186, -14))
CROPS = (None, 1.0, 0.875)
MEANS = ({}, {"mean": (127.5,), "std": (127.5,)}, {"mean": RANGES["imagenet"][0], "std": RANGES["imagenet"][1]})


def tensor(channels=3, dtype="int8", scale=1.0, zero_point=-128, size=(20, 24)):
    return Tensor(name="image", shape=(1, *size, channels), dtype=dtype, scale=scale, zero_point=zero_point)


def picture(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels)).astype(np.uint8)


@pytest.mark.parametrize("resize", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("order", ["rgb", "bgr", "gray"])
def test_a_pipeline_does_what_a_contract_says_bit_for_bit(order, resize):
    for crop, numbers, kind, size in product(CROPS, MEANS, TYPES, ((20, 24), (37, 53), (61, 20), (9, 9))):
        if order == "gray" and len(numbers.get("mean", (0,))) > 1:
            continue
        spec = Preprocessing(height=20, width=24, order=order, crop=crop, resize=resize, **numbers)
        given, image = tensor(spec.channels, *kind), picture(*size)
        expected = encoder_of(spec, contract_levels(spec, given))(image)
        found = stored(pipeline_of(spec), image, given)
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected), spec
        assert preprocessing_of(pipeline_of(spec), given) == spec


def test_words_come_back_as_the_same_pipeline():
    for order, fit, name, filter_ in product(("rgb", "bgr"), ("squash", "crop0.875", "letterbox"), RANGES, ("opencv",)):
        stated = changed(Pipeline(), parse(f"{order},{fit},{name},{filter_},rgb565-swapped,wrapped,exif-ignored"))
        assert Pipeline(**parse(words(stated))) == stated
    for word in WORDS:
        stated = Pipeline(**parse(word))
        assert Pipeline(**parse(words(stated))) == stated
    own = Pipeline(mean=(1.0, 2.5, 3.0), std=(57.1,), fit="crop", crop=0.3)
    assert words(own) == "rgb,mean=1.0:2.5:3.0,std=57.1,crop0.3,bilinear"
    assert Pipeline(**parse(words(own))) == own


def test_only_stated_words_change_a_pipeline():
    found = Pipeline(order="rgb", filter="bicubic", fit="crop", crop=0.875, cast="shifted")
    assert changed(found, parse("bgr")) == Pipeline(
        order="bgr", filter="bicubic", fit="crop", crop=0.875, cast="shifted"
    )
    assert changed(found, parse("0..1, squash")) == Pipeline(filter="bicubic", std=(255.0,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bgr,rgb", "'bgr' and 'rgb' contradict each other"),
        ("squash,crop0.875", "contradict"),
        ("0..1,shifted", "contradict"),
        ("crop1.5", "at most 1, found 1.5"),
        ("std=0", "std positive"),
        ("mean=1:2", "1 or 3 finite numbers"),
        ("mean=1e999", "finite"),
        ("mean=1:", "expected numbers"),
        ("", "found none"),
    ],
)
def test_words_that_make_no_pipeline(text, message):
    with pytest.raises(BadArgumentError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_an_unknown_word_names_near_ones():
    with pytest.raises(UnknownNameError, match=r"did you mean .*rgb565"):
        parse("rgb656")
    with pytest.raises(UnknownNameError, match=r"did you mean .*crop0.875"):
        parse("crop0.5:0.5")


def test_casts_do_what_boards_do():
    numbers = {
        cast: levels(Pipeline(cast=cast), tensor()) for cast in ("shifted", "shifted-twice", "unshifted", "saturated")
    }
    at = [0, 127, 128, 255]
    assert numbers["shifted"][at].tolist() == [-128, -1, 0, 127]
    assert numbers["shifted-twice"][at].tolist() == [-128, -128, -128, -1]
    assert numbers["unshifted"][at].tolist() == [0, 127, -128, -1]
    assert numbers["saturated"][at].tolist() == [0, 127, 127, 127]
    wrapped = levels(Pipeline(mean=(127.5,), std=(127.5,), cast="wrapped"), tensor(3, "uint8", 0.0078125, 128))
    assert wrapped[[0, 254, 255]].tolist() == [0, 255, 0]  # NXP's example: white becomes black


def test_casts_and_ranges_that_a_file_cannot_take():
    with pytest.raises(ValueError, match="the file takes float32"):
        levels(Pipeline(cast="shifted"), tensor(3, *FLOAT))
    with pytest.raises(ValueError, match="for 3 channels, the file has 1"):
        levels(Pipeline(**parse("imagenet")), tensor(1, *FLOAT))
    with pytest.raises(ValueError, match="has no effect"):
        Pipeline(cast="unshifted", std=(255.0,))


def test_what_a_contract_cannot_say():
    for word in ("letterbox", "area", "opencv", "rgb565", "saturated", "exif-ignored", "gray", "wrapped"):
        with pytest.raises(ValueError, match=f"a contract cannot say {word}"):
            preprocessing_of(Pipeline(**parse(word)), tensor())


def test_raw_pixels_are_a_contract_of_the_files_own_scale():
    given = tensor(3, "int8", 0.0186, -14)
    spec = preprocessing_of(Pipeline(cast="shifted"), given)
    assert np.array_equal(contract_levels(spec, given), np.arange(-128, 128))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_is_undone(tmp_path, orientation):
    image = Image.fromarray(picture(5, 7))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "turned.png", exif=exif)
    upright = decode(tmp_path / "turned.png", 3)
    assert np.array_equal(sideways(upright, orientation), np.asarray(image))
    given = tensor(size=(5, 7))
    ignoring = stored(Pipeline(cast="shifted", upright=False), upright, given, orientation)
    assert np.array_equal(ignoring, np.asarray(image).astype(int) - 128)


def test_letterbox_keeps_the_proportions_on_black():
    seen = pixels(Pipeline(fit="letterbox"), np.full((10, 40, 3), 200, np.uint8), (20, 20, 3))
    assert seen[:, :, 0].max(axis=1).nonzero()[0].tolist() == list(range(7, 12))  # 5 of 20 rows, all columns
    assert (seen[7:12] == 200).all()


def test_opencv_mixes_two_pixels_and_area_all():
    row = np.zeros((1, 8, 3), np.uint8)
    row[0, 0] = 240
    assert pixels(Pipeline(filter="area"), row, (1, 2, 3))[0, :, 0].tolist() == [60, 0]
    assert pixels(Pipeline(filter="opencv"), row, (1, 2, 3))[0, :, 0].tolist() == [0, 0]  # it reads pixels 1 and 2
    assert pixels(Pipeline(filter="opencv"), row[:, :2], (1, 4, 3))[0, :, 0].tolist() == [240, 180, 60, 0]


def test_swapped_bytes_of_rgb565():
    colour = np.array([[[248, 252, 248], [248, 0, 0], [0, 224, 0]]], np.uint8)
    swapped = pixels(Pipeline(damage="rgb565-swapped"), colour, (1, 3, 3))[0]
    # red 0xF800 is read as 0x00F8, green 0x0700 as 0x0007
    assert swapped.tolist() == [[255, 255, 255], [0, 28, 198], [0, 0, 57]]


def test_gray_and_luma_of_swapped_channels():
    red = np.zeros((1, 1, 3), np.uint8)
    red[..., 0] = 200
    assert pixels(Pipeline(order="gray"), red, (1, 1, 3)).tolist() == [[[60, 60, 60]]]
    assert pixels(Pipeline(order="gray"), red, (1, 1, 1)).item() == 60
    assert pixels(Pipeline(order="bgr"), red, (1, 1, 1)).item() == 23
