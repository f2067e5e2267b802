"""What can go wrong between a picture and an input tensor, as numbers that a dump is compared with.

A guess names a word for each aspect in `ASPECTS`; its mistakes are where it differs from what the contract says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations, product
from math import prod
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from eyespot.preprocessing import tensors
from eyespot.preprocessing.damage import Image
from eyespot.preprocessing.image import central
from eyespot.preprocessing.pipeline import OFFSETS, RANGES, Filter, Pipeline, pipeline_of
from eyespot.preprocessing.spec import Input, Preprocessing

Guess = Mapping[str, str]
Words = tuple[str, ...]

ASPECTS = ("values", "order", "damage", "planes", "place", "fit", "filter")
MOST = 2  # mistakes in one guess
SAMPLES = 4096
TURNS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "mirrored left to right": np.fliplr,
    "upside down": np.flipud,
    "rotated by 180 degrees": lambda image: np.rot90(image, 2),
    "rotated by 90 degrees counterclockwise": np.rot90,
    "rotated by 90 degrees clockwise": lambda image: np.rot90(image, 3),
    "transposed (rows and columns swapped)": lambda image: image.swapaxes(0, 1),
    "transposed along the other diagonal": lambda image: np.rot90(image, 2).swapaxes(0, 1),
}
FITS: dict[str, dict[str, Any]] = {
    "squash": {"fit": "squash", "crop": 1.0},
    "crop": {"fit": "crop", "crop": 1.0},
    "crop0.875": {"fit": "crop", "crop": 0.875},
    "letterbox": {"fit": "letterbox", "crop": 1.0},
}
CORNER = "nearest-corner"  # the pixel at floor(place * scale), as simple C code and OpenCV do


@dataclass(frozen=True)
class Guesses:
    """The guesses for a file's input tensor and contract, and a picture (h, w, 3) that was decoded upright."""

    tensor: Input
    spec: Preprocessing
    picture: Image
    alike: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # other words for the same on this picture

    def __post_init__(self) -> None:
        """Cache what guesses share, as long as this object lives."""
        for name in ("image", "places", "table", "_gray"):
            object.__setattr__(self, name, cache(getattr(self, name)))

    @property
    def right(self) -> dict[str, str]:
        """What the contract says."""
        spec, stated = self.spec, pipeline_of(self.spec)
        right = {"values": "right", "order": spec.order, "damage": "none", "planes": "no", "place": "in place"}
        return right | {"fit": stated.fitting, "filter": spec.resize}

    def alternatives(self, *, stored: bool) -> dict[str, tuple[str, ...]]:
        """The other words for each aspect, without those that change nothing in this picture."""
        spec, right = self.spec, self.right
        fits = tuple(word for word in FITS if word != right["fit"])
        filters = tuple(word for word in (*get_args(Filter), CORNER) if word != spec.resize)
        orders = ("bgr",) if spec.order == "gray" else tuple(sorted({"rgb", "bgr", "gray"} - {spec.order}))
        damages = ("rgb565", "rgb565-swapped")
        return {
            "values": self._values(stored=stored),
            "order": self._visible("order", orders, "damage", damages),
            "damage": self._visible("damage", damages, "order", orders),
            "planes": ("yes",) if spec.channels > 1 else (),
            "place": (*TURNS, *self._shifts()),
            "fit": self._visible("fit", fits, "filter", filters),
            "filter": self._visible("filter", filters, "fit", fits),
        }

    def _visible(self, aspect: str, words: Words, other: str, others: Words) -> Words:
        """The words that change this picture with a word of another aspect, each in another way.

        `alike` gets, for the right word and these, the words that do the same where the other aspect is right.
        """
        seen: dict[tuple[bytes, ...], str] = {}
        for word in (self.right[aspect], *words):
            guesses = [self.right | {aspect: word, other: each} for each in (self.right[other], *others)]
            looks = tuple(hashlib.sha256(self.image(*self._looks(guess)).tobytes()).digest() for guess in guesses)
            twins = [each for known, each in seen.items() if known[0] == looks[0]]
            if twins:
                self.alike[aspect, twins[0]].append(word)
            if looks not in seen:
                seen[looks], self.alike[aspect, word] = word, []
        return tuple(seen.values())[1:]

    def step(self, word: str, *, stored: bool) -> float:
        """By how much a value changes for one pixel value, on average; 1 for integers."""
        table = self.table(word, stored)
        return 1.0 if stored and self.tensor.dtype != "float32" else float(np.ptp(table)) / 255

    def _values(self, *, stored: bool) -> tuple[str, ...]:
        """Words whose table differs from those before them."""
        integer = stored and self.tensor.dtype != "float32"
        words = [*OFFSETS, *RANGES, *(f"{word}, wrapped" for word in RANGES)] if integer else RANGES
        kept, seen = [], [self.table("right", stored)]
        for word in words:
            if self.spec.channels == 1 and word.split(",")[0] in {"imagenet", "caffe"}:
                continue
            table = self.table(word, stored)
            if not any(np.allclose(table, other, rtol=1e-5, atol=1e-7) for other in seen):
                kept.append(word)
                seen.append(table)
        return tuple(kept)

    def _shifts(self) -> Iterator[str]:
        channels = self.spec.channels
        for unit, most in (("row", 4), ("pixel", 4), ("value", channels - 1)):
            for count in range(1, most + 1):
                plural = f"{count} {unit}{'s' * (count > 1)}"
                yield from (f"{plural} too late", f"{plural} too early")

    def all(self, implied: Guess, *, stored: bool) -> Iterator[tuple[int, dict[str, str]]]:
        """Every guess with its number of mistakes, those with few first; `implied` words are no mistakes."""
        base = self.right | dict(implied)
        words = {name: each for name, each in self.alternatives(stored=stored).items() if name not in implied}
        for count in range(MOST + 1):
            for aspects in combinations(words, count):
                for chosen in product(*(words[name] for name in aspects)):
                    yield count, base | dict(zip(aspects, chosen, strict=True))

    def expected(self, guess: Guess, at: NDArray[np.intp] | None, *, stored: bool) -> NDArray[np.float32]:
        """What a dump would hold, flat; with `at` only at these places of it."""
        image, table = self.image(*self._looks(guess)), self.table(guess["values"], stored)
        source = self.places(guess["place"], guess["planes"])
        source = source if at is None else source[at]
        pixels = image.take(source)
        return table[pixels, 0] if table.shape[1] == 1 else table[pixels, source % self.spec.channels]

    def _looks(self, guess: Guess) -> tuple[str, str, str, str]:
        return guess["fit"], guess["filter"], guess["order"], guess["damage"]

    def image(self, fit: str, filtering: str, order: str, damage: str) -> Image:
        """The pixels that the network sees, (height, width, channels)."""
        shape = self.tensor.shape[1:]
        picture, fields = self.picture, FITS.get(fit, {"fit": "crop", "crop": self.spec.crop})
        if self.spec.channels == 1:  # gray first, once for all ways to resize
            picture = self._gray(order, damage)
        elif (order, damage) != ("rgb", "none"):
            looks = Pipeline(order=order, damage=damage)  # type: ignore[arg-type]
            return tensors.pixels(looks, self.image(fit, filtering, "rgb", "none"), shape)
        if filtering == CORNER:
            return tensors.pixels(Pipeline(fit=fields["fit"]), self._corners(picture, fields), shape)
        return tensors.pixels(Pipeline(filter=filtering, **fields), picture, shape)  # type: ignore[arg-type]

    def _gray(self, order: str, damage: str) -> Image:
        looks = Pipeline(order=order, damage=damage)  # type: ignore[arg-type]
        return tensors.pixels(looks, self.picture, (*self.picture.shape[:2], 1))

    def _corners(self, picture: Image, fields: Mapping[str, Any]) -> Image:
        """At its final size, without antialiasing and without half a pixel's offset."""
        height, width, whole = self.spec.height, self.spec.width, picture.shape
        if fields["fit"] == "letterbox":
            scale = min(height / whole[0], width / whole[1])
            height, width = (max(1, round(side * scale)) for side in whole[:2])
        box = central(whole[1], whole[0], fields["crop"] if fields["fit"] == "crop" else None)
        left, top, right, bottom = map(int, box)
        rows = top + np.arange(height) * (bottom - top) // height
        columns = left + np.arange(width) * (right - left) // width
        return picture[rows[:, None], columns]

    def places(self, place: str, planes: str) -> NDArray[np.intp]:
        """For each value of a dump, the flat place in the image of what stands there."""
        image: NDArray[np.intp] = np.arange(prod(self.spec.shape)).reshape(self.spec.shape)
        image = TURNS[place](image) if place in TURNS else image
        places = (image.reshape(-1, self.spec.channels).T if planes == "yes" else image).reshape(-1)
        if place not in TURNS and place != "in place":
            count, unit, _, way = place.split()
            depth = 1 if planes == "yes" else self.spec.channels
            size = {"row": self.spec.width * depth, "pixel": depth, "value": 1}[unit.rstrip("s")]
            places = np.roll(places, int(count) * size * (1 if way == "late" else -1))
        return places

    def table(self, word: str, stored: bool) -> NDArray[np.float32]:
        """What each pixel value becomes, (256, 1 or channels)."""
        name, _, wrapped = word.partition(", ")
        if word == "right":
            pipeline = replace(pipeline_of(self.spec), order="rgb")
        elif name in OFFSETS:
            pipeline = Pipeline(cast=name)  # type: ignore[arg-type]
        else:
            mean, std = RANGES[name]
            pipeline = Pipeline(mean=mean, std=std, cast="wrapped" if wrapped else "quantized")
        if stored or word == "right":
            return tensors.levels(pipeline, self.tensor).astype(np.float32).reshape(256, -1)
        real = (np.arange(256.0)[:, None] - np.asarray(pipeline.mean)) / np.asarray(pipeline.std)
        return real.astype(np.float32)
