"""Dumps of an input tensor: what is read from bytes, .npy and printed numbers."""

from __future__ import annotations

import io

import numpy as np
import pytest

from eyespot.errors import BadFileError, MissingDataError
from eyespot.evaluation.dumps.read import fitting, read_dump, readings
from eyespot.tflite.read import Tensor

SMALL = np.array([[0, -1, -128], [127, 16, 5]], np.int8)


def tensor(dtype: str = "int8", shape: tuple[int, ...] = (1, 1, 2, 3)) -> Tensor:
    return Tensor(name="x", shape=shape, dtype=dtype, scale=1.0, zero_point=-128)


def write(folder, content):
    path = folder / "dump"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def numbers(path, to: Tensor) -> list[float]:
    """What the first reading that has nothing wrong with its form holds."""
    return next(each for each in readings(read_dump(path), to) if not each.why).numbers.tolist()


TEXTS = {
    "commas": "0, -1, -128, 127, 16, 5\n",
    "lines": "0\n-1\n-128\r\n127\n16\n5",
    "brackets": "[[0 -1 -128]\n [127, 16, 5]]",
    "hexadecimal bytes": "0x00 0xff 0x80 0x7F 0x10 0x05",
    "C array": "{0x00, 0xff, 0x80,\n 0x7f, 0x10, 0x05};",
    "unsigned": "0 255 128 127 16 5",
    "floats that are whole": "0.0 -1.0 -128.0 1.27e2 16.0f 5.",
    "times": "[12:00:01] 0, -1, -128\n[12:00:02] 127, 16, 5\n",
    "times of a serial monitor": "12:00:01.250 -> 0 -1 -128\n12:00:01.300 -> 127 16 5\n",
    "ESP-IDF": "I (123) camera: 0 -1 -128\nI (124) camera: 127 16 5\n",
    "names": "input[0] = 0\ninput[1] = -1\ninput[2] = -128\ninput[3] = 127\ninput[4] = 16\ninput[5] = 5\n",
    "text around": "boot ok, 32 x 32\nbegin\n0 -1 -128\n\n127 16 5\nend of picture 0\n",
    "labels with letters of hexadecimal digits": "[cafe] [0x00, 0xff, 0x80]\n[cafe] [127, 16, 5]",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_printed_numbers(tmp_path, text):
    dump = read_dump(write(tmp_path, text))
    assert dump.form == "text"
    assert numbers(dump.path, tensor()) == SMALL.ravel().tolist()


def test_a_line_that_is_no_number_among_numbers_is_an_error(tmp_path):
    with pytest.raises(BadFileError, match="line 3: expected numbers, found other text"):
        read_dump(write(tmp_path, "begin\n0 -1 -128\nE (12) camera: timeout\n127 16 5\n"))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_raw_bytes_and_npy_are_the_same_numbers(tmp_path, dtype):
    values = SMALL.view(np.uint8).astype(dtype) if dtype == "uint8" else SMALL.astype(dtype)
    file = io.BytesIO()
    np.save(file, values[None, None])
    for content in (values.tobytes(), file.getvalue()):
        assert numbers(write(tmp_path, content), tensor(dtype)) == values.ravel().tolist()


def test_raw_bytes_that_look_like_text_are_bytes(tmp_path):
    dump = read_dump(write(tmp_path, b"abc!~ "))
    assert (dump.form, dump.values.tolist()) == ("raw bytes", list(b"abc!~ "))


def test_halves_in_npy_are_compared_without_overflow(tmp_path):
    file = io.BytesIO()
    np.save(file, SMALL.astype(np.float16))
    assert numbers(write(tmp_path, file.getvalue()), tensor("int16")) == SMALL.ravel().tolist()


def test_real_numbers_are_not_what_an_int8_file_stores(tmp_path):
    (reading,) = readings(read_dump(write(tmp_path, "0.5 1 0.25 0 0 1e400")), tensor())
    assert not reading.stored
    assert reading.why == "the numbers are no int8"
    assert np.isfinite(reading.numbers).all()


LENGTHS = {
    24: {"the values are float32, the file takes int8", "the values are int32, the file takes int8"},
    12: {"the values are float16, the file takes int8", "the values are int16, the file takes int8"},
    8: {
        "4 values for each pixel (RGBA or another order), the file takes 3",
        "4 values for each pixel (ARGB or another order), the file takes 3",
    },
    4: {
        "the picture is raw RGB565, 2 bytes for each pixel",
        "the picture is raw RGB565 with its bytes swapped, 2 bytes for each pixel",
    },
    7: {"1 byte too many before the values", "1 byte too many after the values"},
    5: set(),
}


@pytest.mark.parametrize("length", LENGTHS)
def test_other_lengths(tmp_path, length):
    found = readings(read_dump(write(tmp_path, bytes(range(128, 128 + length)))), tensor())
    assert {each.why for each in found} >= LENGTHS[length]
    assert bool(found) == bool(LENGTHS[length])
    assert all(each.numbers.shape == (6,) for each in found)


def test_raw_rgb565(tmp_path):
    red, blue = (0b11111 << 11).to_bytes(2, "little"), (0b11111).to_bytes(2, "little")
    first, swapped = readings(read_dump(write(tmp_path, red + blue)), tensor())[:2]
    assert first.numbers.tolist() == [255, 0, 0, 0, 0, 255]
    assert swapped.numbers.tolist() != first.numbers.tolist()


def test_what_a_length_would_hold():
    assert fitting(32 * 32 * 3, tensor(shape=(1, 96, 96, 3))) == ()
    assert fitting(32 * 32, tensor(shape=(1, 32, 32, 3))) == ("32 x 32 gray",)
    assert fitting(320 * 240 * 2, tensor(shape=(1, 96, 96, 3))) == ("320 x 240 RGB565 or YUV422",)


def pickled() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([print], object), allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a dump of 1 to .* bytes, found 0"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "is a damaged .npy file"),
        (b"\x93NUMPY", "is a damaged .npy file"),
        (pickled(), "is a damaged .npy file"),
    ],
)
def test_what_is_no_dump_is_one_line(tmp_path, content, message):
    with pytest.raises(BadFileError, match=message):
        read_dump(write(tmp_path, content))


def test_an_npy_of_text_is_refused(tmp_path):
    file = io.BytesIO()
    np.save(file, np.array(["a"]))
    with pytest.raises(BadFileError, match="expected numbers, found 1 values of <U1"):
        read_dump(write(tmp_path, file.getvalue()))


def test_no_dump(tmp_path):
    with pytest.raises(MissingDataError, match="no such file"):
        read_dump(tmp_path / "absent.bin")
