"""export --camera: the preprocessing of one camera's frames, against Python's, on this machine."""

from __future__ import annotations

import ctypes
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyespot.cli import main
from eyespot.devices.host import HostMeasurements
from eyespot.errors import BadArgumentError
from eyespot.exports.c import for_camera, render, values, write_c
from eyespot.exports.camera import FORMATS, Camera
from eyespot.preprocessing.image import fit
from eyespot.preprocessing.spec import Contract, Preprocessing
from eyespot.tflite.read import read
from eyespot.verbs.export import export
from eyespot.zoo import registry

STRICT = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2", "-fsanitize=undefined"]
SPECS = {
    "whole": Preprocessing(height=32, width=32),
    "cropped": Preprocessing(height=24, width=24, crop=0.875),
    "gray": Preprocessing(height=48, width=48, order="gray"),
    "larger": Preprocessing(height=224, width=96),
    "one": Preprocessing(height=1, width=1, crop=0.3),
}


@pytest.fixture(scope="module")
def file():
    return read(registry.find("tiny-resnet"))


def converter(file, camera: Camera, spec: Preprocessing, folder: Path):
    """The C function, on numpy arrays (height, elements of a row)."""
    filled = values(file, Contract(model="x", preprocessing=spec, classes=("a", "b")), 1000)
    filled |= {"golden": "1", "golden_inputs": "", "golden_outputs": ""}
    filled |= for_camera(filled, spec, camera)
    for name in ("model.h", "preprocess.c"):
        (folder / name).write_text(render(name, filled) + "\n")
    library = folder / "x.so"
    subprocess.run([*STRICT, "-shared", "-fPIC", folder / "preprocess.c", "-o", library], check=True)
    loaded = ctypes.CDLL(str(library))

    def convert(frame: np.ndarray) -> np.ndarray:
        out = np.full((spec.height, spec.width, spec.channels), 99, np.int8)
        loaded.x_from_camera(*(array.ctypes.data_as(ctypes.c_void_p) for array in (frame, out)))
        return out

    return convert


def frames(camera: Camera) -> list[np.ndarray]:
    """Noise, the pattern, a slope, and all bits 0 or 1."""
    form = FORMATS[camera.format]
    shape, kind = (camera.height, camera.width * form.per_pixel), f"u{form.bits // 8}"
    noise = np.random.default_rng(0).integers(0, 1 << form.bits, shape, kind)
    slope = (np.add.outer(np.arange(shape[0]), np.arange(shape[1])) * 37).astype(kind)
    return [noise, camera.pattern(), slope, np.zeros(shape, kind), np.full(shape, (1 << form.bits) - 1, kind)]


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize(
    "text", ["320x240:rgb565", "160x121:rgb565-swapped", "33x97:rgb888", "640x120:bgr888", "64x48:yuyv", "8x500:gray"]
)
def test_c_is_pythons_preprocessing_within_one_level(text, name, file, tmp_path):
    camera, spec = Camera.parse(text), SPECS[name]
    convert = converter(file, camera, spec, tmp_path)
    for frame in frames(camera):
        expected = fit(camera.image(frame), spec).astype(int) - 128
        assert np.abs(convert(frame) - expected).max() <= 1
        assert np.array_equal(convert(frame), convert(frame)), "it keeps nothing of a frame"


def test_most_values_are_exactly_pythons(file, tmp_path):
    camera, spec = Camera.parse("320x240:rgb888"), SPECS["whole"]
    frame = np.asarray(Image.effect_noise((960, 240), 80))
    found = converter(file, camera, spec, tmp_path)(frame)
    assert (found != fit(camera.image(frame), spec).astype(int) - 128).mean() < 0.1


@pytest.mark.parametrize("channels", ["rgb", "gray"])
@pytest.mark.parametrize("format_", FORMATS)
def test_the_formats(format_, channels, file, tmp_path):
    """One colour, in each format as its name says; of yuyv black, white and the primaries by their BT.601 values."""
    colour = {
        "red": (255, 0, 0),
        "green": (0, 255, 0),
        "blue": (0, 0, 255),
        "white": (255, 255, 255),
        "black": (0,) * 3,
    }
    yuyv = {"red": (82, 90, 240), "green": (145, 54, 34), "blue": (41, 240, 110), "white": (235, 128, 128)}
    spec = Preprocessing(height=8, width=8, order=channels)
    convert = converter(file, Camera(width=16, height=8, format=format_), spec, tmp_path)
    for name, (red, green, blue) in colour.items():
        word = red >> 3 << 11 | green >> 2 << 5 | blue >> 3
        y, u, v = yuyv.get(name, (16, 128, 128))
        gray = round(0.299 * red + 0.587 * green + 0.114 * blue)
        units = {
            "rgb565": [word], "rgb565-swapped": [word >> 8 | (word & 255) << 8], "rgb888": [red, green, blue],
            "bgr888": [blue, green, red], "yuyv": [y, u, y, v], "gray": [gray],
        }  # fmt: skip
        unit = np.array(units[format_], f"u{FORMATS[format_].bits // 8}")
        frame = np.tile(unit, (8, 16 * FORMATS[format_].per_pixel // len(unit)))
        seen = (gray,) * 3 if format_ == "gray" else (red, green, blue)
        expected = (gray,) if channels == "gray" else seen
        assert np.abs(convert(frame).astype(int) + 128 - expected).max() <= (2 if format_ == "yuyv" else 1), name


# --- the golden check


@pytest.mark.parametrize("text", ["320x240:rgb565", "64x48:yuyv", "40x30:bgr888"])
def test_the_golden_check_of_the_preprocessing(text, file, tmp_path):
    camera = Camera.parse(text)
    write_c(HostMeasurements(file=file), file.contract, tmp_path, camera=camera)
    form = FORMATS[camera.format]
    frame = np.zeros((camera.height, camera.width * form.per_pixel), f"u{form.bits // 8}")
    out = np.zeros(file.input.shape, np.int8)
    swapped = "tiny_resnet_from_camera(const tiny_resnet_pixel *frame, int8_t *input) {"
    for wrong in (False, True):
        source = (tmp_path / "preprocess.c").read_text()
        if wrong:  # as if the board wrote one value wrongly
            end = source.rindex("}")
            source = source[:end].replace(swapped, f"{swapped} int8_t *first = input;") + "first[7] ^= 64; }\n"
            (tmp_path / "preprocess.c").write_text(source)
        library = tmp_path / f"{wrong}.so"
        sources = [tmp_path / name for name in ("preprocess.c", "golden.c", "model.c")]
        subprocess.run([*STRICT, "-shared", "-fPIC", *sources, "-o", library], check=True)
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (frame, out)]
        assert ctypes.CDLL(str(library)).tiny_resnet_verify_input(*pointers) == (7 if wrong else -1)
        assert np.array_equal(frame, camera.pattern())


def test_the_pattern_tells_orders_of_channels_apart(file):
    """Else the check would pass on a board that mixes them up."""
    spec = file.contract.preprocessing
    for text in ("320x240:rgb565", "320x240:rgb565-swapped", "320x240:rgb888", "320x240:yuyv"):
        camera = Camera.parse(text)
        other = replace(camera, format={"rgb565": "rgb565-swapped", "rgb888": "bgr888"}.get(camera.format, "rgb565"))
        right = fit(camera.image(camera.pattern()), spec).astype(int)
        mixed = right[..., ::-1] if camera.format == "yuyv" else fit(other.image(camera.pattern()), spec).astype(int)
        assert (abs(right - mixed) > 8).mean() > 0.5


# --- the command


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("320x240", "expected WIDTHxHEIGHT:FORMAT"),
        ("320x240:rgb", "FORMAT rgb565, rgb565-swapped, rgb888, bgr888, yuyv, gray"),
        ("7x240:gray", "expected sides of 8 to 4096 pixels, found 7x240"),
        ("9000x240:gray", "expected sides of 8 to 4096"),
        ("321x240:yuyv", "expected an even width for yuyv, found 321"),
        ("\u0663x\u0663:gray", "expected WIDTHxHEIGHT"),
    ],
)
def test_cameras_that_there_are_not(text, said, tmp_path):
    with pytest.raises(BadArgumentError, match=said):
        export("tiny-resnet", camera=text, out=tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_folder_takes_no_camera(tmp_path, capsys):
    assert main(["export", "tiny-resnet", "--to=folder", "--camera=320x240:gray", f"--out={tmp_path / 'x'}"]) == 2
    assert "camera: for --to c" in capsys.readouterr().err


def test_there_is_no_floating_point_and_no_division(tmp_path):
    made = export("tiny-resnet", camera="320x240:rgb565", out=tmp_path)
    text = (made.folder / "preprocess.c").read_text()
    code = text[text.index("#include") :]
    assert not any(word in code for word in ("float", "double", " / "))
    assert code.isascii()
