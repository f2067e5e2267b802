"""doctor --tensor: what a pipeline fed to the network, by dumps that plain numpy makes wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eyespot.cli import main
from eyespot.errors import BadArgumentError, BadFileError, RefusedError
from eyespot.evaluation.dumps.explain import explain
from eyespot.evaluation.dumps.explanation import Explanation
from eyespot.evaluation.dumps.read import read_dump
from eyespot.preprocessing.synthetic import picture as synthetic
from eyespot.tflite.read import File, read
from eyespot.verbs.doctor import doctor
from eyespot.zoo import registry

Change = Callable[[np.ndarray], np.ndarray]


def scene(height: int = 60, width: int = 80) -> np.ndarray:
    """A picture with smooth shades, edges, and black and white parts, no two quarters alike."""
    rows, columns = np.mgrid[0:height, 0:width]
    red = 3 * rows + columns // 3
    green = 128 + 90 * np.sin(columns / 7) + 30 * np.cos(rows / 5)
    blue = np.where((rows - 20) ** 2 + (columns - 50) ** 2 < 200, 255, 40 + columns)
    image = np.stack([red, green, blue], axis=-1).clip(0, 255).astype(np.uint8)
    image[5:15, 8:30], image[45:58, 60:75] = 255, 0
    return image


def seen(image: np.ndarray, size: int, method: str = "BILINEAR", height: int | None = None) -> np.ndarray:
    """The picture at the size of the input."""
    return np.asarray(Image.fromarray(image).resize((size, height or size), Image.Resampling[method])).astype(int)


def gray(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image.astype(np.uint8)).convert("L")).astype(int)


def explained(file: File, values: np.ndarray, picture: np.ndarray | None, tmp_path: Path) -> Explanation:
    path = tmp_path / "dump.bin"
    path.write_bytes(np.ascontiguousarray(values).tobytes())
    return explain(file, file.contract, read_dump(path), picture, "scene")


@pytest.fixture(scope="module")
def tiny() -> File:
    return read(registry.find("tiny-resnet"))


def int8(pixels: np.ndarray) -> np.ndarray:
    return (pixels - 128).astype(np.int8)


def rgb565_swapped(pixels: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(pixels, 2, 0)
    words = ((red >> 3) << 11 | (green >> 2) << 5 | blue >> 3).astype(np.uint16).byteswap().astype(int)
    red, green, blue = words >> 11, words >> 5 & 63, words & 31
    return np.stack([red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2], axis=-1)


CASES: dict[str, tuple[Callable[[], np.ndarray], list[str]]] = {
    "nothing": (lambda: int8(seen(scene(), 32)), []),
    "bgr": (lambda: int8(seen(scene(), 32)[..., ::-1]), ["red and blue are swapped"]),
    "planes": (lambda: int8(seen(scene(), 32).transpose(2, 0, 1)), [r"the values lie in channel planes \(CHW\)"]),
    "row": (lambda: int8(np.roll(seen(scene(), 32), 1, 0)), ["the values come 1 row too late"]),
    "pixel": (lambda: int8(np.roll(seen(scene(), 32).reshape(-1, 3), -2, 0)), ["the values come 2 pixels too early"]),
    "byte": (lambda: int8(np.roll(seen(scene(), 32).ravel(), 1)), ["the values come 1 value too late"]),
    "swapped bytes": (lambda: int8(rgb565_swapped(seen(scene(), 32))), ["the two bytes of each RGB565 pixel"]),
    "crop": (lambda: int8(seen(scene()[:, 10:70], 32)), ["the central square is cut out, where the whole picture"]),
    "bars": (
        lambda: int8(np.pad(seen(scene(), 32, height=24), ((4, 4), (0, 0), (0, 0)))),
        ["the whole picture is put between black bars"],
    ),
    "upside down": (lambda: int8(seen(scene(), 32)[::-1]), ["the picture is upside down"]),
    "mirrored": (lambda: int8(seen(scene(), 32)[:, ::-1]), ["the picture is mirrored left to right"]),
    "turned": (lambda: int8(np.rot90(seen(scene(), 32))), ["the picture is rotated by 90 degrees counterclockwise"]),
    "transposed": (lambda: int8(seen(scene(), 32).swapaxes(0, 1)), [r"the picture is transposed \(rows and columns"]),
    "white is black": (lambda: seen(scene(), 32).astype(np.uint8), ["the values are the pixels' own bytes"]),
    "saturated": (lambda: seen(scene(), 32).clip(0, 127).astype(np.int8), ["clipped at the type's largest number"]),
    "twice": (lambda: (seen(scene(), 32) - 256).clip(-128, 127).astype(np.int8), ["128 is subtracted twice"]),
    "scaled": (lambda: np.round(seen(scene(), 32) / 255 - 128).astype(np.int8), [r"scaled to the range 0\.\.1"]),
    "gray": (
        lambda: int8(np.repeat(gray(seen(scene(), 32))[..., None], 3, 2)),
        ["the picture is gray"],
    ),
    "nearest": (lambda: int8(seen(scene(), 32, "NEAREST")), ["filter is nearest, not bilinear"]),
    "simple C": (
        lambda: int8(scene()[np.arange(32) * 60 // 32][:, np.arange(32) * 80 // 32].astype(int)),
        ["the resize filter is nearest-corner, not bilinear"],
    ),
    "float32": (lambda: int8(seen(scene(), 32)).astype(np.float32), ["the values are float32, the file takes int8"]),
    "/255": (
        lambda: (seen(scene(), 32) / 255).astype(np.float32),
        ["the values are float32, the file takes int8", r"scaled to the range 0\.\.1"],
    ),
    "RGBA": (
        lambda: np.concatenate([int8(seen(scene(), 32)), np.full((32, 32, 1), -1, np.int8)], axis=2),
        [r"4 values for each pixel \(RGBA"],
    ),
    "padded": (lambda: np.pad(int8(seen(scene(), 32)).reshape(32, 96), ((0, 0), (0, 32))), ["each row has 32 values"]),
    "header": (lambda: np.pad(int8(seen(scene(), 32)).ravel(), (54, 0)), ["54 bytes too many before the values"]),
    "two": (lambda: int8(np.roll(seen(scene(), 32)[..., ::-1], 1, 0)), ["red and blue are swapped", "1 row too late"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_mistakes_are_named(tiny, tmp_path, name):
    make, expected = CASES[name]
    found = explained(tiny, make(), scene(), tmp_path)
    assert found.mistakes is not None
    assert len(found.mistakes) == len(expected), found.mistakes
    for said, pattern in zip(found.mistakes, expected, strict=True):
        assert re.search(pattern, said)
    assert found.fits[0].equal > 0.93
    assert found.fits[0].difference < 3


def test_three_mistakes_are_too_many(tiny, tmp_path):
    """It says that it does not know, or at least not that all is well."""
    values = seen(scene(), 32)[:, ::-1].transpose(2, 0, 1).astype(np.uint8)
    found = explained(tiny, values, scene(), tmp_path)
    assert found.mistakes != ()
    assert found.fits[0].equal < 0.5


@pytest.mark.parametrize(
    "name", ["nothing", "bgr", "planes", "row", "turned", "white is black", "swapped bytes", "two"]
)
def test_noise_of_one_step_changes_nothing(tiny, tmp_path, name):
    make, expected = CASES[name]
    right = make()
    noise = np.random.default_rng(0).integers(-1, 2, right.shape)
    limits = np.iinfo(right.dtype)
    found = explained(
        tiny, (right.astype(int) + noise).clip(limits.min, limits.max).astype(right.dtype), scene(), tmp_path
    )
    assert len(found.mistakes) == len(expected)


FLOATS: dict[str, tuple[Change, list[str]]] = {
    "nothing": (lambda pixels: pixels, []),
    "/255": (lambda pixels: pixels / 255, [r"range 0\.\.1 \(our values / 255\)"]),
    "-1..1": (lambda pixels: pixels / 127.5 - 1, [r"range -1\.\.1"]),
    "scaled twice": (lambda pixels: pixels / 65025, ["range scaled-twice"]),
    "bgr": (lambda pixels: pixels[..., ::-1], ["red and blue are swapped"]),
}


@pytest.mark.parametrize("name", FLOATS)
def test_a_float32_file(tmp_path, name):
    change, expected = FLOATS[name]
    values = change(seen(scene(), 32).astype(np.float64)).astype(np.float32)
    found = explained(read(registry.find("tiny-resnet:float32")), values, scene(), tmp_path)
    assert len(found.mistakes) == len(expected)
    assert all(re.search(pattern, said) for pattern, said in zip(expected, found.mistakes, strict=True))


def test_a_gray_file(tmp_path):
    file = read(registry.find("deepface-emotion"))
    right, swapped = (gray(each).astype(np.uint8) for each in (scene(), scene()[..., ::-1]))
    assert explained(file, int8(seen(right, 48)), scene(), tmp_path).mistakes == ()
    (said,) = explained(file, int8(seen(swapped, 48)), scene(), tmp_path).mistakes
    assert said == "red and blue are swapped before the picture becomes gray"


def test_a_contract_with_a_crop(tiny, tmp_path):
    spec = replace(tiny.contract.preprocessing, crop=0.875, order="bgr")
    contract = replace(tiny.contract, preprocessing=spec)
    path = tmp_path / "dump.bin"
    path.write_bytes(int8(seen(scene(), 32)).tobytes())
    found = explain(tiny, contract, read_dump(path), scene(), "scene")
    assert found.mistakes == (
        "red and blue are swapped",
        "the whole picture is squashed, where the central 0.875 of the shorter side is cut out in the contract",
    )


def test_another_picture_is_not_explained(tiny, tmp_path):
    found = explained(tiny, int8(seen(scene()[::-1, ::-1, [1, 2, 0]], 32)), synthetic(2, 60, 80, 3), tmp_path)
    assert found.mistakes is None
    assert "another picture" in found.hints[0]


def test_what_a_picture_cannot_show_is_said(tiny, tmp_path):
    square = scene()[:, :60]
    found = explained(tiny, int8(seen(square, 32)), square, tmp_path)
    assert found.mistakes == ()
    assert {"crop", "letterbox"} <= set(found.hidden)
    colourless = np.repeat(square[..., :1], 3, axis=2)
    assert {"bgr", "gray"} <= set(explained(tiny, int8(seen(colourless, 32)), colourless, tmp_path).hidden)


def test_a_word_that_shows_only_together_with_another_mistake_is_found(tiny, tmp_path):
    """Nothing is resized at 32 x 32, but a crop of it is."""
    square = np.ascontiguousarray(scene()[2:34, 12:44])
    part = square[2:30, 2:30][np.arange(32) * 28 // 32][:, np.arange(32) * 28 // 32].astype(int)
    found = explained(tiny, int8(part), square, tmp_path)
    assert found.fits[0].changes == {"fit": "crop0.875", "filter": "nearest-corner"}
    assert "nearest" in found.hidden


def test_a_dump_without_contrast_is_explained(tiny, tmp_path):
    bright = 200 + scene() // 5
    values = np.full((32, 32, 3), 127, np.int8)
    values[3, 5:9] = 126
    (said,) = explained(tiny, values, bright, tmp_path).mistakes
    assert "clipped at the type's largest number" in said


def test_a_golden_picture_is_recognised(tiny, tmp_path):
    golden = synthetic(2, 32, 32, 3)
    found = explained(tiny, int8(golden[..., ::-1].astype(int)), None, tmp_path)
    assert found.picture == "golden picture 2"
    assert found.mistakes == ("red and blue are swapped",)


def test_without_a_picture_the_values_are_judged(tmp_path):
    file = read(registry.find("tiny-resnet:float32"))
    found = explained(file, (seen(scene(), 32) / 255).astype(np.float32), None, tmp_path)
    assert (found.picture, found.mistakes) == (None, None)
    assert found.hints[0] == "The values alone agree with: the pixels are scaled to the range 0..1."
    assert "--image" in found.hints[-1]
    assert found.values.high == pytest.approx(1)


def test_a_wrong_length_says_what_it_would_fit(tiny, tmp_path):
    found = explained(tiny, np.zeros(1024, np.int8), scene(), tmp_path)
    assert found.hints == (
        "The length is wrong: expected 3,072 bytes (32 x 32 x 3 of int8), found 1,024.",
        "It would fit 32 x 32 gray.",
    )


@pytest.mark.parametrize("value", [0, -128, 127])
def test_a_constant_dump_is_no_traceback(tiny, tmp_path, value):
    found = explained(tiny, np.full((32, 32, 3), value, np.int8), scene(), tmp_path)
    assert found.mistakes != ()
    assert found.values.distinct == 1


# --- the command


@pytest.fixture
def files(tmp_path) -> dict[str, Any]:
    """A picture, and a dump of it with red and blue swapped that a board printed."""
    Image.fromarray(scene()).save(tmp_path / "scene.png")
    values = int8(seen(scene(), 32)[..., ::-1]).reshape(-1, 16)
    lines = [f"[00:00:{number % 60:02d}] {', '.join(map(str, row))}" for number, row in enumerate(values)]
    (tmp_path / "serial.log").write_text("\n".join(["start", *lines, "end"]))
    return {"tensor": tmp_path / "serial.log", "image": tmp_path / "scene.png"}


def test_the_command_says_what_is_wrong(files, capsys):
    words = ["doctor", "tiny-resnet", *(f"--{name}={path}" for name, path in files.items())]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "serial.log (text: 3,072 numbers" in text
    assert "Red and blue are swapped." in text
    assert main([*words, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["fits"][0]["changes"] == {"order": "bgr"}
    assert shown["fits"][0]["equal"] == 1


def test_a_name_is_shown_as_it_is(files, capsys):
    path = files["tensor"].rename(files["tensor"].with_name("[red]\x1b[2J.log"))
    assert main(["doctor", "tiny-resnet", f"--tensor={path}", f"--image={files['image']}"]) == 0
    assert capsys.readouterr().out.startswith("[red]\\x1b[2J.log (text: ")


def test_a_file_without_a_contract_needs_one(files, data_root):
    path = str(data_root / "published/pretrainedResnet_quant.tflite")
    with pytest.raises(RefusedError, match="--contract"):
        doctor(path, **files)
    assert doctor(path, contract="tiny-resnet", **files).mistakes == ("red and blue are swapped",)
    with pytest.raises(RefusedError, match="the contract of mobilenet-v1 says"):
        doctor(path, contract="mobilenet-v1", **files)
    file = data_root / "published/mobilenet_v1_0.25_128_quant.tflite"
    found = doctor(str(file), contract="mobilenet-v1", tensor=files["image"], image=files["image"])
    assert found.hints[0].startswith("The length is wrong: expected 49,152 bytes")


@pytest.mark.parametrize("more", [{"data": "cifar-10"}, {"using": "bgr"}, {"write": "x.tflite"}, {"chart": "x.png"}])
def test_arguments_that_do_not_go_together(files, more):
    with pytest.raises(BadArgumentError, match="tensor goes with image"):
        doctor("tiny-resnet", **files, **more)
    with pytest.raises(BadArgumentError, match="tensor goes with image"):
        doctor("tiny-resnet", image=files["image"])


def test_a_picture_that_does_not_decode(files):
    with pytest.raises(BadFileError, match="does not decode as an image"):
        doctor("tiny-resnet", tensor=files["tensor"], image=files["tensor"])
