"""A file's answers to pictures that are fed to it in many ways, from isolated workers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.data.split import Split
from eyespot.evaluation.job import ranked
from eyespot.preprocessing.damage import Image
from eyespot.preprocessing.image import orientation
from eyespot.preprocessing.pipeline import Pipeline
from eyespot.preprocessing.spec import Input
from eyespot.preprocessing.tensors import levels, look_up, pixels
from eyespot.progress import track
from eyespot.tflite.kernels import Content
from eyespot.tflite.run import Run, open_runner
from eyespot.zoo.cards import Dataset

TOP = 5  # outputs of an image that are kept
CHUNK = 5  # images of a request

Way = tuple[Pipeline, NDArray[Any]]  # a pipeline and its `levels` for the file
Question = tuple[list[int], list[Way]]
Reply = tuple[NDArray[np.int64], NDArray[np.int64]]
Record = NDArray[np.void]  # of one pipeline: an ANSWER for each image

# The largest outputs, how many outputs are larger than each (TOP if one that is left out is as large), a digest
# of the tensor, and 1 for an image that was run.
ANSWER = np.dtype([("outputs", np.int64, TOP), ("places", np.int64, TOP), ("digest", np.int64), ("done", np.int64)])


def open_trials(
    file: Content, shape: tuple[int, ...], data: Dataset, root: Path, split: str
) -> Callable[[Question], Reply]:
    """A function from images and ways to feed them to the numbers of an ANSWER, (ways, images, n), and the EXIF tags.

    The file takes tensors of `shape` (height, width, channels). BadFileError if LiteRT refuses it.
    """
    opened: Split = import_module(data.reader).read(data, root, split)
    run = open_runner(file, "xnnpack")

    def work(question: Question) -> Reply:
        images, ways = question
        turns = [orientation(opened.path(i)) if opened.path else 1 for i in images]
        found = []
        for i, turn in zip(images, turns, strict=True):
            seen = cache(partial(pixels, picture=opened.read(i), shape=shape, orientation=turn))
            found.append(_answers(run, seen, ways))
        return np.array(found, np.int64).swapaxes(0, 1), np.array(turns)

    return work


def _answers(run: Run, seen: Callable[[Pipeline], Image], ways: Sequence[Way]) -> list[list[int]]:
    """The numbers of an ANSWER for each way to feed a picture, `seen` by the network; equal tensors run once."""
    known, answers = dict[bytes, list[int]](), []
    for pipeline, table in ways:
        looks = replace(pipeline, mean=(0.0,), std=(1.0,), cast="quantized")
        tensor = np.ascontiguousarray(look_up(table)(seen(looks)))
        digest = hashlib.blake2b(tensor.data, digest_size=8).digest()
        if digest not in known:
            known[digest] = [*_largest(run(tensor)), int.from_bytes(digest, "little", signed=True), 1]
        answers.append(known[digest])
    return answers


def _largest(output: NDArray[Any]) -> list[int]:
    """The largest outputs, then their places; a file with fewer than TOP outputs seems to have more, all smaller."""
    values = np.full(max(TOP, len(output)), -np.inf)
    values[: len(output)] = np.nan_to_num(output.astype(np.float64), nan=-np.inf)
    first = ranked(values[None])[0]
    places = (values > values[first][:, None]).sum(1)
    places[values[first] <= np.delete(values, first).max(initial=-np.inf)] = TOP
    return [*first, *places]


class Trials:
    """The answers for a sample of images, asked for when they are needed: a Record for each pipeline."""

    def __init__(self, ask: Callable[[Iterable[Question]], Iterator[Reply]], tensor: Input, images: list[int]) -> None:
        self.images, self._tensor, self._ask = images, tensor, ask
        self.orientations = np.zeros(len(images), np.int64)
        self._records: dict[Pipeline, Record] = {}

    def __getitem__(self, pipeline: Pipeline) -> Record:
        return self._records.setdefault(pipeline, np.zeros(len(self.images), ANSWER))

    def measure(self, pipelines: Iterable[Pipeline], start: int, stop: int, title: str) -> None:
        """Run what is missing of the images from `start` to `stop`."""
        tables = {each: levels(each, self._tensor) for each in pipelines}
        missing = []
        for first in range(start, stop, CHUNK):
            span = slice(first, min(stop, first + CHUNK))
            ways = [way for way in tables.items() if not self[way[0]]["done"][span].all()]
            missing += [(span, ways)] if ways else []
        replies = self._ask((self.images[span], ways) for span, ways in missing)
        for (span, ways), (answers, turns) in zip(missing, track(replies, len(missing), title), strict=True):
            self.orientations[span] = turns
            for (pipeline, _), answer in zip(ways, answers, strict=True):
                self[pipeline][span] = answer.view(ANSWER)[:, 0]

    def identical(self, first: Pipeline, second: Pipeline) -> bool:
        """Whether both gave the same tensor for every image of the sample."""
        one, other = self[first], self[second]
        return bool((one["done"] & other["done"]).all() and (one["digest"] == other["digest"]).all())


def sample(labels: NDArray[np.int64], images: int, seed: int, more: int = 0) -> tuple[list[int], int]:
    """Up to `images` indices, evenly from all classes, and how many of them are in the first half.

    Both halves have images of all classes as far as possible, and so has each beginning of the first half.
    Up to `more` others follow the second half.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    dealt_out = shuffled[np.argsort(turns(labels[shuffled]), kind="stable")]
    chosen, others = dealt_out[:images], dealt_out[images : images + more]
    turn, dealt = turns(labels[chosen]), np.argsort(labels[chosen], kind="stable")
    halves = [half[np.argsort(turn[half], kind="stable")] for half in (dealt[::2], dealt[1::2])]
    return [*chosen[np.concatenate(halves)].tolist(), *others.tolist()], len(halves[0])


def turns(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many earlier images have the same label, for each image."""
    order, found = np.argsort(labels, kind="stable"), np.empty(len(labels), np.int64)
    found[order] = np.arange(len(labels)) - np.searchsorted(labels[order], labels[order])
    return found
