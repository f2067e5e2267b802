"""What each pixel value can become in an input tensor: the contract's numbers, and those of mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eyespot.preprocessing import tensors
from eyespot.preprocessing.pipeline import OFFSETS, RANGES, Pipeline, pipeline_of
from eyespot.preprocessing.spec import Input, Preprocessing

Numbers = NDArray[np.float32]


class Tables:
    """A table (256, 1 or channels) for each word, "right" first. `words` are those that differ from all before them.

    `stored`: they hold what the file stores, else real numbers.
    """

    def __init__(self, tensor: Input, spec: Preprocessing, *, stored: bool) -> None:
        """Make every table."""
        self.real = not stored or tensor.dtype == "float32"
        self.of = {"right": _levels(replace(pipeline_of(spec), order="rgb"), tensor)}
        ranges = {
            word: Pipeline(mean=mean, std=std) for word, (mean, std) in RANGES.items() if len(mean) <= spec.channels
        }
        if self.real:
            self.of |= {word: _real(pipeline) for word, pipeline in ranges.items()}
        else:
            casts = {word: Pipeline(cast=word) for word in OFFSETS}  # type: ignore[arg-type]
            wrapped = {f"{word}, wrapped": replace(pipeline, cast="wrapped") for word, pipeline in ranges.items()}
            self.of |= {word: _levels(each, tensor) for word, each in (casts | ranges | wrapped).items()}
        self.words: list[str] = []
        for word, table in self.of.items():
            if not any(np.allclose(table, self.of[other], rtol=1e-5, atol=1e-7) for other in self.words):
                self.words.append(word)

    def step(self, word: str) -> float:
        """By how much a value changes for one pixel value, on average; 1 for integers."""
        return (float(np.ptp(self.of[word])) / 255 or 1.0) if self.real else 1.0

    def scaled(self, word: str) -> str:
        """How real values relate to the right ones, "" if not by 255."""
        for factor, how in ((255.0, "our values / 255"), (1 / 255.0, "our values * 255")):
            if self.real and np.allclose(self.of[word] * factor, self.of["right"], rtol=1e-4, atol=1e-6):
                return how
        return ""

    def agreeing(self, numbers: Numbers) -> Iterator[str]:
        """The words on whose levels all numbers lie, and reach over a quarter of their range."""
        for word in self.words:
            levels, span = np.unique(self.of[word]), float(np.ptp(self.of[word]))
            above = np.searchsorted(levels, numbers).clip(0, len(levels) - 1)
            apart = np.minimum(np.abs(levels[above] - numbers), np.abs(levels[np.maximum(above - 1, 0)] - numbers))
            if (apart <= 1e-3 * span / 255 + 1e-7).all() and np.ptp(numbers) >= span / 4:
                yield word


def _levels(pipeline: Pipeline, tensor: Input) -> Numbers:
    return tensors.levels(pipeline, tensor).astype(np.float32).reshape(256, -1)


def _real(pipeline: Pipeline) -> Numbers:
    return ((np.arange(256.0)[:, None] - np.asarray(pipeline.mean)) / np.asarray(pipeline.std)).astype(np.float32)
