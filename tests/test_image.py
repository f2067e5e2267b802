"""How an image becomes a tensor."""

from __future__ import annotations

import io
import os
import resource
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from eyespot.errors import BadFileError
from eyespot.preprocessing.image import MAX_PIXELS, central, decode, fit, pixels, to_real
from eyespot.preprocessing.spec import Preprocessing
from eyespot.preprocessing.synthetic import picture

RGB = Preprocessing(height=32, width=32)


def saved(tmp_path, image, name="x.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA", "LA", "CMYK", "I;16", "I", "YCbCr"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_decodes(tmp_path, mode, channels):
    form = "TIFF" if mode in {"CMYK", "YCbCr", "I"} else "PNG"
    image = Image.fromarray(picture(1, 20, 30, 3))
    image = Image.fromarray(np.full((20, 30), 40_000, np.uint16)) if mode == "I;16" else image.convert(mode)
    pixels = decode(saved(tmp_path, image, f"x.{form.lower()}", format=form), channels)
    assert pixels.shape == (20, 30, channels)
    assert pixels.dtype == np.uint8


def test_sixteen_bits_become_eight(tmp_path):
    image = Image.fromarray(np.array([[0, 257, 65_535]], np.uint16))
    assert decode(saved(tmp_path, image), 1).ravel().tolist() == [0, 1, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255]),
        (np.array([[0, 1]], np.float32), [0, 255]),
        (np.array([[30, 185, 255]], np.float32), [30, 185, 255]),
        (np.array([[0, 30, 185]], np.int32), [0, 30, 185]),
        (np.array([[0, 257, 65_535]], np.int32), [0, 1, 255]),
        (np.array([[0, 30, 185]], np.uint16), [0, 0, 1]),
    ],
)
def test_values_of_many_bits_become_eight(tmp_path, values, expected):
    path = saved(tmp_path, Image.fromarray(values), "x.tiff")
    assert decode(path, 1).ravel().tolist() == expected
    assert decode(path, 3)[0, :, 2].tolist() == expected


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.array([[0, 2.5]], np.float32), r"0 to 2\.5 \(mode F\)"),
        (np.array([[-1, 1]], np.float32), r"-1 to 1 \(mode F\)"),
        (np.array([[0, np.nan]], np.float32), "nan to nan"),
        (np.array([[0, 70_000]], np.int32), r"0 to 70000 \(mode I\)"),
        (np.array([[-5, 5]], np.int32), r"-5 to 5 \(mode I\)"),
    ],
)
def test_values_of_an_unknown_scale_are_refused(tmp_path, values, found):
    path = saved(tmp_path, Image.fromarray(values), "x.tiff")
    with pytest.raises(BadFileError, match=rf"x\.tiff: expected .*, found {found}.*Save it with 8 bits"):
        decode(path, 3)


def test_postscript_starts_no_program(tmp_path, monkeypatch):
    """Pillow hands PostScript to the program `gs`, whatever the file is called."""
    started = tmp_path / "started"
    gs = tmp_path / "gs"
    gs.write_text(f"#!/bin/sh\ntouch {started}\n")
    gs.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    image = saved(tmp_path, Image.fromarray(picture(0, 16, 16, 3)), "x.eps").rename(tmp_path / "x.png")
    with pytest.raises(BadFileError, match=r"x\.png: does not decode"):
        decode(image, 3)
    assert not started.exists()


def test_transparency_is_laid_on_white(tmp_path):
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (10, 20, 30, 255))
    assert decode(saved(tmp_path, image), 3).tolist() == [[[255, 255, 255], [10, 20, 30]]]


def test_photographs_are_turned_upright(tmp_path):
    image = Image.fromarray(picture(2, 20, 30, 3))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    turned = decode(saved(tmp_path, image, exif=exif), 3)
    assert np.array_equal(turned, np.rot90(np.asarray(image), -1))


def png_of(width: int, height: int) -> bytes:
    """A well-formed PNG header of any size, with next to no data behind it."""

    def chunk(name: bytes, content: bytes) -> bytes:
        body = name + content
        return len(content).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def test_forty_thousand_pixels_square_is_refused_before_decoding(tmp_path):
    path = tmp_path / "huge.png"
    path.write_bytes(png_of(40_000, 40_000))
    with pytest.raises(BadFileError, match=f"1600000000 pixels.* at most {MAX_PIXELS:,}"):
        decode(path, 3)


def test_somewhat_too_large_is_refused_too(tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(png_of(10_001, 10_000))
    with pytest.raises(BadFileError, match=f"10001 x 10000 pixels; at most {MAX_PIXELS:,}"):
        decode(path, 3)


def test_missing_and_truncated_images(tmp_path):
    with pytest.raises(BadFileError, match="no such image"):
        decode(tmp_path / "absent.png", 3)
    whole = saved(tmp_path, Image.fromarray(picture(0, 64, 64, 3))).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadFileError, match=r"half\.png: does not decode"):
        decode(tmp_path / "half.png", 3)
    with Image.open(tmp_path / "half.png") as half, pytest.raises(BadFileError, match=r"^mine: does not decode"):
        pixels(half, 3, "mine")
    with pytest.raises(BadFileError, match=r"^mine: expected an image, found 0 x 9 pixels"):
        pixels(Image.new("RGB", (0, 9)), 3, "mine")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(BadFileError, match="no such image"):
        decode(tmp_path / "x.png", 3)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), form=st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"]))
def test_damaged_images_decode_or_raise_one_line(tmp_path_factory, data, form):
    buffer = io.BytesIO()
    Image.fromarray(picture(3, 16, 16, 3)).save(buffer, form)
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("i") / "x"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        assert decode(path, 3).ndim == 3
    except BadFileError as error:
        assert str(path) in str(error)


def test_an_image_of_the_right_size_is_left_alone():
    image = picture(0, 32, 32, 3)
    assert fit(image, RGB) is image


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([None, 0.5, 0.875, 1.0]), st.sampled_from([1, 3]))
def test_fit_gives_the_contract_for_any_size(height, width, crop, channels):
    spec = Preprocessing(height=24, width=20, order="rgb" if channels == 3 else "gray", crop=crop)
    fitted = fit(np.full((height, width, 3), 77, np.uint8), spec)
    assert fitted.shape == (24, 20, channels)
    assert (fitted == 77).all()


@given(st.integers(1, 500), st.integers(1, 500), st.floats(0.01, 1))
def test_the_crop_is_a_central_square_within(width, height, crop):
    left, top, right, bottom = central(width, height, crop)
    assert right - left == bottom - top == max(1, round(min(width, height) * crop))
    assert 0 <= left <= right <= width
    assert 0 <= top <= bottom <= height
    assert abs((left + right) - width) <= 1
    assert abs((top + bottom) - height) <= 1


def test_to_real_is_what_the_contract_says():
    spec = Preprocessing(height=1, width=1, mean=(127,), std=(128,))
    assert to_real(np.array([0.0, 127, 255]), spec).tolist() == [-127 / 128, 0, 1]


def test_a_chunk_that_states_two_gigabytes_takes_no_memory(tmp_path):
    """Pillow reads what a damaged PNG states, at once."""
    whole = saved(tmp_path, Image.fromarray(picture(1, 20, 30, 3))).read_bytes()
    length = whole.index(b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(whole[:length] + b"\x7f\xff\xff\xff" + whole[length + 4 :])
    limit = resource.getrlimit(resource.RLIMIT_AS)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (1 << 30), limit[1]))
    try:
        assert decode(tmp_path / "a.png", 3).shape == (20, 30, 3)  # all of the pixels are there
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
