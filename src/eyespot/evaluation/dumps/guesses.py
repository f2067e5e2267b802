"""What can go wrong between a picture and an input tensor, as numbers that a dump is compared with.

A guess has a word for each of `ASPECTS`; its mistakes are where it differs from what the contract says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import combinations, product
from math import prod
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from eyespot.evaluation.dumps.tables import Numbers, Tables
from eyespot.preprocessing import tensors
from eyespot.preprocessing.damage import Image
from eyespot.preprocessing.image import central
from eyespot.preprocessing.pipeline import Filter, Pipeline, pipeline_of
from eyespot.preprocessing.spec import Preprocessing

Guess = Mapping[str, str]

ASPECTS = ("values", "order", "damage", "planes", "place", "fit", "filter")
MOST = 2  # mistakes in one guess
TURNS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "mirrored left to right": np.fliplr,
    "upside down": np.flipud,
    "rotated by 180 degrees": lambda image: np.rot90(image, 2),
    "rotated by 90 degrees counterclockwise": np.rot90,
    "rotated by 90 degrees clockwise": lambda image: np.rot90(image, 3),
    "transposed (rows and columns swapped)": lambda image: image.swapaxes(0, 1),
    "transposed along the other diagonal": lambda image: np.rot90(image, 2).swapaxes(0, 1),
}
FITS = ("squash", "crop", "crop0.875", "letterbox")
CORNER = "nearest-corner"  # the pixel at floor(place * scale), as simple C code and OpenCV do
FILTERS = (*get_args(Filter), CORNER)
DAMAGES = ("none", "rgb565", "rgb565-swapped")


class Guesses:
    """The guesses for a contract and a picture (h, w, 3) that was decoded upright.

    `right` is what the contract says. `alike` has, by aspect and word, the words that do the same on this picture.
    """

    def __init__(self, spec: Preprocessing, picture: Image) -> None:
        """Find the words that can be seen in the picture."""
        self.spec, self.picture = spec, picture
        self.image, self.places, self._gray = cache(self._image), cache(self._places), cache(self._made_gray)
        self.right = {"values": "right", "order": spec.order, "damage": "none", "planes": "no", "place": "in place"}
        self.right |= {"fit": pipeline_of(spec).fitting, "filter": spec.resize}
        self.alike: dict[tuple[str, str], list[str]] = {}
        orders = ("bgr",) if spec.channels == 1 else ("bgr", "gray", "rgb")
        self.words = {
            "order": self._visible("order", orders, "damage", DAMAGES),
            "damage": self._visible("damage", DAMAGES, "order", orders),
            "planes": ("yes",) if spec.channels > 1 else (),
            "place": (*TURNS, *_shifts(spec.channels)),
            "fit": self._visible("fit", FITS, "filter", FILTERS),
            "filter": self._visible("filter", FILTERS, "fit", FITS),
        }

    def _visible(self, aspect: str, words: tuple[str, ...], other: str, others: tuple[str, ...]) -> tuple[str, ...]:
        """The words that change this picture with a word of another aspect, each in another way.

        `alike` gets, for the right word and these, the words that do the same where the other aspect is right.
        """
        seen: dict[tuple[bytes, ...], str] = {}
        for word in dict.fromkeys((self.right[aspect], *words)):
            guesses = [self.right | {aspect: word, other: each} for each in dict.fromkeys((self.right[other], *others))]
            looks = tuple(hashlib.sha256(self.image(*_looks(guess)).tobytes()).digest() for guess in guesses)
            twins = [each for known, each in seen.items() if known[0] == looks[0]]
            if twins:
                self.alike[aspect, twins[0]].append(word)
            if looks not in seen:
                seen[looks], self.alike[aspect, word] = word, []
        return tuple(seen.values())[1:]

    def all(self, tables: Tables, implied: Guess) -> Iterator[tuple[int, Guess]]:
        """Every guess with its number of mistakes, those with few first; `implied` words are no mistakes."""
        words = {"values": tables.words[1:], **self.words}
        free = [name for name in words if name not in implied]
        for count in range(MOST + 1):
            for aspects in combinations(free, count):
                for chosen in product(*(words[name] for name in aspects)):
                    yield count, {**self.right, **implied, **dict(zip(aspects, chosen, strict=True))}

    def expected(self, guess: Guess, table: Numbers, at: NDArray[np.intp] | None = None) -> Numbers:
        """What a dump would hold, flat, by the table of its values; with `at` only at these places of it."""
        source = self.places(guess["place"], guess["planes"])
        source = source if at is None else source[at]
        pixels = self.image(*_looks(guess)).take(source)
        return table[pixels, 0] if table.shape[1] == 1 else table[pixels, source % self.spec.channels]

    def _places(self, place: str, planes: str) -> NDArray[np.intp]:
        """For each value of a dump, the flat place in the image of what stands there."""
        image: NDArray[np.intp] = np.arange(prod(self.spec.shape)).reshape(self.spec.shape)
        image = TURNS[place](image) if place in TURNS else image
        places = (image.reshape(-1, self.spec.channels).T if planes == "yes" else image).reshape(-1)
        if place in TURNS or place == "in place":
            return places
        count, unit, _, way = place.split()
        depth = 1 if planes == "yes" else self.spec.channels
        size = {"row": self.spec.width * depth, "pixel": depth, "value": 1}[unit.rstrip("s")]
        return np.roll(places, int(count) * size * (1 if way == "late" else -1))

    def _image(self, fit: str, filtering: str, order: str, damage: str) -> Image:
        """The pixels that the network sees, (height, width, channels)."""
        picture, shape = self.picture, self.spec.shape
        if self.spec.channels == 1:  # gray first, once for all ways to resize
            picture = self._gray(order, damage)
        elif (order, damage) != ("rgb", "none"):
            looks = Pipeline(order=order, damage=damage)  # type: ignore[arg-type]
            return tensors.pixels(looks, self.image(fit, filtering, "rgb", "none"), shape)
        name, crop = ("crop", float(fit[4:] or 1)) if fit.startswith("crop") else (fit, 1.0)
        if fit == self.right["fit"] and self.spec.crop:
            crop = self.spec.crop  # which the word has in six digits
        if filtering == CORNER:
            return tensors.pixels(Pipeline(fit=name), self._corners(picture, name, crop), shape)  # type: ignore[arg-type]
        return tensors.pixels(Pipeline(filter=filtering, fit=name, crop=crop), picture, shape)  # type: ignore[arg-type]

    def _made_gray(self, order: str, damage: str) -> Image:
        looks = Pipeline(order=order, damage=damage)  # type: ignore[arg-type]
        return tensors.pixels(looks, self.picture, (*self.picture.shape[:2], 1))

    def _corners(self, picture: Image, fit: str, crop: float) -> Image:
        """At its final size, without antialiasing and without half a pixel's offset."""
        height, width, whole = self.spec.height, self.spec.width, picture.shape
        if fit == "letterbox":
            scale = min(height / whole[0], width / whole[1])
            height, width = (max(1, round(side * scale)) for side in whole[:2])
        left, top, right, bottom = map(int, central(whole[1], whole[0], crop if fit == "crop" else None))
        rows = top + np.arange(height) * (bottom - top) // height
        columns = left + np.arange(width) * (right - left) // width
        return picture[rows[:, None], columns]


def _looks(guess: Guess) -> tuple[str, str, str, str]:
    return guess["fit"], guess["filter"], guess["order"], guess["damage"]


def _shifts(channels: int) -> Iterator[str]:
    for unit, most in (("row", 4), ("pixel", 4), ("value", channels - 1)):
        for count in range(1, most + 1):
            yield from (f"{count} {unit}{'s' * (count > 1)} too {way}" for way in ("late", "early"))
