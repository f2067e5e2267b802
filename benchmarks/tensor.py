"""`doctor --tensor`: dumps with one or two known mistakes, and how often the first-named explanation is right.

    EYESPOT_DATA=... python benchmarks/tensor.py [DUMPS] [SEED]

The dumps are made here, by plain numpy and Pillow's resize, from each file's description in words below, and
not by the code that explains them. Pictures: photographs of imagenet-like and Imagenette, cut to a random
proportion, and CIFAR-10. Dumps are exact, or have -1, 0 or +1 on every pixel of the input, or (photographs)
are made from a picture that was compressed once more as JPEG (quality 90, colours at half the resolution),
while the explanation sees the one before. A mistake that changes nothing in its dump is not made.

An explanation is right if it names exactly the mistakes that were made. It is "the same dump" if it names
others that give the same values on this picture: all, without noise, or all but 1 in 1,000 values by less
than three times the noise that was added.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eyespot.artifacts import places
from eyespot.evaluation.dumps.explain import explain
from eyespot.evaluation.dumps.explanation import Explanation
from eyespot.evaluation.dumps.read import read_dump
from eyespot.preprocessing.spec import Contract
from eyespot.tflite.read import File, read
from eyespot.tflite.run import contract_of
from eyespot.zoo import registry


@dataclass(frozen=True)
class Target:
    """What a file takes, in plain words: pixels are (pixel - mean) / std, stored / scale + zero."""

    path: str
    contract: str | None
    side: int
    gray: bool
    dtype: str
    mean: float
    std: float
    scale: float = 1.0
    zero: float = 0.0
    fit: str = "squash"


CROP = "crop0.875"
TARGETS = (
    Target("tiny-resnet", None, 32, False, "int8", 0, 1, 1, -128),
    Target("deepface-emotion", None, 48, True, "int8", 128, 64, 1 / 64, 0),
    Target("tiny-resnet:float32", None, 32, False, "float32", 0, 1),
    Target("vww_96_int8.tflite", "visual-wake-word", 96, False, "int8", 0, 255, 1 / 255, -128),
    Target("vww_96_float.tflite", "visual-wake-word", 96, False, "float32", 0, 255),
    Target("mobilenet_v1_0.25_128_quant.tflite", "mobilenet-v1", 128, False, "uint8", 128, 128, 1 / 128, 128, CROP),
)
REAL = {"0..255": (0, 1), "0..1": (0, 255), "-1..1": (127.5, 127.5), "-128..127": (128, 1)}
IMAGENET = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
BYTES = {  # what somebody stores who does not quantize
    "int8": {"unshifted": lambda p: p, "shifted-twice": lambda p: np.maximum(p - 256, -128),
             "saturated": lambda p: np.minimum(p, 127)},
    "uint8": {"shifted": lambda p: p - 128, "shifted-twice": lambda p: p * 0},
}  # fmt: skip
FITS = ("squash", "crop", "crop0.875", "letterbox")
FILTERS = ("nearest", "bicubic", "lanczos", "area", "opencv", "nearest-corner")
TURNS = {
    "mirrored left to right": lambda x: x[:, ::-1],
    "upside down": lambda x: x[::-1],
    "rotated by 180 degrees": lambda x: x[::-1, ::-1],
    "rotated by 90 degrees counterclockwise": lambda x: x.transpose(1, 0, 2)[::-1],
    "rotated by 90 degrees clockwise": lambda x: x.transpose(1, 0, 2)[:, ::-1],
    "transposed (rows and columns swapped)": lambda x: x.transpose(1, 0, 2),
    "transposed along the other diagonal": lambda x: x.transpose(1, 0, 2)[::-1, ::-1],
}
Changes = dict[str, str]
Pixels = NDArray[Any]


def choices(target: Target) -> dict[str, list[str]]:
    """The mistakes that can be made for a target, by aspect."""
    colours = [] if target.gray else ["imagenet"]
    tables = {word: table(target, word) for word in ["right", *REAL, *colours, *BYTES.get(target.dtype, {})]}
    values = [word for word, each in tables.items() if not np.allclose(each, tables["right"]) and np.ptp(each) > 0]
    shifts = [
        f"{n} {unit}{'s' * (n > 1)} too {way}"
        for unit in ("row", "pixel")
        for n in (1, 2, 3)
        for way in ("late", "early")
    ]
    shifts += [] if target.gray else [f"1 value too {way}" for way in ("late", "early")]
    return {
        "values": values,
        "order": ["bgr"] if target.gray else ["bgr", "gray"],
        "damage": ["rgb565", "rgb565-swapped"],
        "planes": [] if target.gray else ["yes"],
        "place": [*TURNS, *shifts],
        "fit": [each for each in FITS if each != target.fit],
        "filter": list(FILTERS),
    }


def table(target: Target, word: str) -> Pixels:
    """What pixel values 0..255 become, (256, 1 or 3)."""
    pixel = np.arange(256.0)[:, None]
    if word in BYTES.get(target.dtype, {}):
        return BYTES[target.dtype][word](pixel).astype(np.int64).astype(target.dtype)
    mean, std = IMAGENET if word == "imagenet" else REAL.get(word, (target.mean, target.std))
    real = (pixel - mean) / std
    if target.dtype == "float32":
        return real.astype(np.float32)
    limits = np.iinfo(target.dtype)
    return np.clip(np.round(real / target.scale) + target.zero, limits.min, limits.max).astype(target.dtype)


def dumped(target: Target, picture: Pixels, changes: Changes, noise: Pixels | int = 0) -> Pixels:
    """What the board feeds to the network, flat."""
    if target.gray:
        picture = luma(damaged(picture, changes))
    small = resized(picture, changes.get("fit", target.fit), changes.get("filter", "bilinear"), target.side)
    if not target.gray:
        small = damaged(small, changes)
    small = np.clip(small.astype(int) + noise, 0, 255)
    small = TURNS.get(changes.get("place", ""), lambda x: x)(small)
    levels = table(target, changes.get("values", "right"))
    values = np.stack([levels[small[..., c], c % levels.shape[1]] for c in range(small.shape[2])], axis=-1)
    if changes.get("planes") == "yes":
        values = np.moveaxis(values, 2, 0)
    return shifted(values, changes.get("place", ""), target, planes="planes" in changes)


def shifted(values: Pixels, place: str, target: Target, *, planes: bool) -> Pixels:
    """The values in a row, some too early or too late in the memory."""
    flat = np.ascontiguousarray(values).ravel()
    if not place.endswith(("late", "early")):
        return flat
    depth = 1 if planes or target.gray else 3
    count = int(place.split()[0]) * (target.side * depth if "row" in place else depth if "pixel" in place else 1)
    rest = flat[-1:].repeat(count)  # what else lies in memory
    return np.concatenate([rest, flat[:-count]]) if place.endswith("late") else np.concatenate([flat[count:], rest])


def damaged(image: Pixels, changes: Changes) -> Pixels:
    """RGB565 and the order of the channels."""
    red, green, blue = (image[..., c].astype(int) for c in range(3))
    if "damage" in changes:
        words = (red // 8) * 2048 + (green // 4) * 32 + blue // 8
        if changes["damage"] == "rgb565-swapped":
            words = words % 256 * 256 + words // 256
        red, green, blue = words // 2048, words // 32 % 64, words % 32
        red, green, blue = red * 8 + red // 4, green * 4 + green // 16, blue * 8 + blue // 4
    order = (blue, green, red) if changes.get("order") == "bgr" else (red, green, blue)
    stacked = np.stack(order, axis=-1).astype(np.uint8)
    return np.repeat(luma(stacked), 3, axis=2) if changes.get("order") == "gray" else stacked


def luma(image: Pixels) -> Pixels:
    """ITU-R 601 in 16 bits."""
    return ((image.astype(int) @ [19595, 38470, 7471] + 32768) >> 16).astype(np.uint8)[..., None]


def resized(picture: Pixels, fit: str, name: str, side: int) -> Pixels:
    """To side x side, by one of FITS and one of FILTERS or bilinear."""
    height, width = picture.shape[:2]
    if fit.startswith("crop"):
        part = round(min(height, width) * float(fit[4:] or 1))
        top, left = (height - part) // 2, (width - part) // 2
        return scaled(picture, name, side, side, (left, top, left + part, top + part))
    if fit == "squash":
        return scaled(picture, name, side, side, (0, 0, width, height))
    rows, columns = (max(1, round(side / max(height, width) * each)) for each in (height, width))
    whole = np.zeros((side, side, picture.shape[2]), np.uint8)
    top, left = (side - rows) // 2, (side - columns) // 2
    whole[top : top + rows, left : left + columns] = scaled(picture, name, rows, columns, (0, 0, width, height))
    return whole


def scaled(picture: Pixels, name: str, height: int, width: int, box: tuple[int, int, int, int]) -> Pixels:
    """The part (left, top, right, bottom) of a picture; filters with antialiasing are Pillow's."""
    part = picture[box[1] : box[3], box[0] : box[2]]
    rows, columns = part.shape[:2]
    if (rows, columns) == (height, width):
        return part
    if name == "nearest-corner":
        return part[np.arange(height) * rows // height][:, np.arange(width) * columns // width]
    if name == "opencv":
        y = np.clip((np.arange(height) + 0.5) * rows / height - 0.5, 0, rows - 1)[:, None, None]
        x = np.clip((np.arange(width) + 0.5) * columns / width - 0.5, 0, columns - 1)[None, :, None]
        y0, x0 = np.floor(y).astype(int), np.floor(x).astype(int)
        y1, x1 = np.minimum(y0 + 1, rows - 1), np.minimum(x0 + 1, columns - 1)
        upper, lower = (
            part[row[:, :, 0], x0[:, :, 0]].astype(float) * (1 - x + x0)
            + part[row[:, :, 0], x1[:, :, 0]].astype(float) * (x - x0)
            for row in (y0, y1)
        )
        return np.round(upper * (1 - y + y0) + lower * (y - y0)).astype(np.uint8)
    method = Image.Resampling["BOX" if name == "area" else name.upper()]
    source = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else np.ascontiguousarray(picture))
    return np.asarray(source.resize((width, height), method, box)).reshape(height, width, -1)


def made(rng: np.random.Generator, target: Target, picture: Pixels, count: int) -> Changes:
    """So many mistakes, each of which changes the dump of this picture."""
    possible = {aspect: words for aspect, words in choices(target).items() if words}
    while True:
        aspects = rng.choice(list(possible), size=count, replace=False)
        changes = {str(aspect): str(rng.choice(possible[aspect])) for aspect in aspects}
        parts = [{name: word for name, word in changes.items() if name != left_out} for left_out in changes]
        if not any(same(target, picture, changes, part, 0) for part in parts):
            return changes


def pictures(rng: np.random.Generator) -> Iterator[Pixels]:
    """Natural pictures without end."""
    root = places.data_root()
    photos = sorted((root / "imagenet-like").rglob("*.JPEG")) or sorted((root / "imagenet-like").rglob("*.jp*g"))
    photos += sorted((root / "imagenette").rglob("*.JPEG"))[:300]
    small = np.fromfile(next((root / "cifar-10").rglob("test_batch.bin")), np.uint8).reshape(-1, 3073)[:, 1:]
    rng.shuffle(photos)
    order = 0
    while True:
        if rng.random() < 0.25:
            yield small[rng.integers(len(small))].reshape(3, 32, 32).transpose(1, 2, 0)
            continue
        photo = np.asarray(Image.open(photos[order := (order + 1) % len(photos)]).convert("RGB"))
        height, width = (round(each * rng.choice([1, 1, 0.75, 0.5625])) for each in photo.shape[:2])
        yield photo[:height, :width]


def compressed(picture: Pixels) -> Pixels:
    """As a camera's JPEG gives it back."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "JPEG", quality=90)
    return np.asarray(Image.open(file))


def same(target: Target, picture: Pixels, one: Changes, other: Changes, noise: float) -> bool:
    """Whether two sets of mistakes give the same dump of a picture."""
    known = {(aspect, word) for aspect, words in choices(target).items() for word in words}
    if set(other.items()) - known:
        return False
    apart = np.abs(dumped(target, picture, one).astype(float) - dumped(target, picture, other))
    return bool((apart > 3 * noise).mean() <= 0.001)


def opened(target: Target) -> tuple[File, Contract]:
    """A target's file, and its own contract or that of the model that it names."""
    path = places.data_root() / "published" / target.path
    file = read(path if path.exists() else registry.find(target.path))
    return file, contract_of(file) if file.contract else registry.contract(target.contract or "")


def main(dumps: int = 300, seed: int = 0) -> None:
    """Print each case whose explanation differs, and the shares."""
    rng, started = np.random.default_rng(seed), time.perf_counter()
    results: Counter[tuple[str, str]] = Counter()
    files, source = {target: opened(target) for target in TARGETS}, pictures(rng)
    for number in range(dumps):
        target, picture = TARGETS[number % len(TARGETS)], next(source)
        truth = made(rng, target, picture, 1 + number // len(TARGETS) % 2)
        kind, values = noisy(rng, target, picture, truth)
        found = explained(files[target], values, picture)
        named = dict(found.fits[0].changes) if found.mistakes is not None else {"unexplained": ""}
        added = float(np.abs(values.astype(float) - dumped(target, picture, truth)).mean())
        alike = same(target, picture, truth, named, added)
        verdict = "right" if named == truth else "the same dump" if alike else "wrong"
        results[verdict, kind] += 1
        if named != truth:
            size = f"{picture.shape[1]} x {picture.shape[0]}"
            print(f"{number} {target.path}, {size}, {kind}: made {truth}, named {named}: {verdict}")
    for verdict in ("right", "the same dump", "wrong"):
        each = {kind: results[verdict, kind] for kind in ("exact", "+-1", "jpeg")}
        print(f"{verdict}: {sum(each.values())} of {dumps} {each}")
    print(f"{(time.perf_counter() - started) / dumps:.2f} s for each dump")
    without_mistakes(rng, files, source, dumps // 3)


def without_mistakes(rng: np.random.Generator, files: Any, source: Iterator[Pixels], dumps: int) -> None:
    """Print how many right dumps are called right, and how many of another picture are called unexplained."""
    right = other = 0
    for number in range(dumps):
        target, picture = TARGETS[number % len(TARGETS)], next(source)
        kind, values = noisy(rng, target, picture, {})
        found, apart = explained(files[target], values, picture), explained(files[target], values, next(source))
        right, other = right + (found.mistakes == ()), other + (apart.mistakes is None)
        for wrong, each in ((found.mistakes != (), found), (apart.mistakes is not None, apart)):
            if wrong:
                print(f"{number} {target.path}, {kind}: {each.mistakes} {each.fits[0]}")
    print(f"no mistake: {right} of {dumps} called right; another picture: {other} of {dumps} unexplained")


def noisy(rng: np.random.Generator, target: Target, picture: Pixels, changes: Changes) -> tuple[str, Pixels]:
    """A kind of noise, and a dump that has it."""
    kind = ("exact", "+-1", "jpeg")[int(rng.integers(3 if picture.shape[0] > 32 else 2))]
    shape = (target.side, target.side, 1 if target.gray else 3)
    noise = rng.integers(-1, 2, shape) if kind == "+-1" else 0
    return kind, dumped(target, compressed(picture) if kind == "jpeg" else picture, changes, noise)


def explained(opened: tuple[File, Contract], values: Pixels, picture: Pixels) -> Explanation:
    """What `doctor --tensor` says of a dump."""
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        Path(file.name).write_bytes(values.tobytes())
        return explain(*opened, read_dump(Path(file.name)), picture, "picture")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
