"""A file's answers to pictures that are fed to it in many ways, from isolated workers."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.data.split import Split
from eyespot.evaluation.metrics import ranked
from eyespot.preprocessing.damage import Image
from eyespot.preprocessing.image import orientation
from eyespot.preprocessing.pipeline import Pipeline
from eyespot.preprocessing.spec import Input
from eyespot.preprocessing.tensors import levels, look_up, pixels, sideways
from eyespot.progress import track
from eyespot.tflite.kernels import Content
from eyespot.tflite.run import Run, open_runner
from eyespot.zoo.cards import Dataset

TOP = 5  # outputs of an image that are kept
CHUNK = 5  # images of a request

Way = tuple[Pipeline, NDArray[Any]]  # a pipeline and its `levels` for the file
Question = tuple[list[int], list[Way]]
Reply = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, kw_only=True)
class TrialJob:
    """All that a worker gets: a file, the (height, width, channels) that it takes, and a split of the data."""

    file: Content
    shape: tuple[int, ...]
    data: Dataset
    root: Path
    split: str


def open_trials(job: TrialJob) -> Callable[[Question], Reply]:
    """A function from images and ways to feed them to the answers, by way and image, and the orientations.

    The answers are the largest outputs (ways, images, TOP), their places of the same shape (how many outputs
    are larger; TOP if one that is left out is as large), and a digest of each tensor (ways, images).
    BadFileError if LiteRT refuses the file.
    """
    split: Split = import_module(job.data.reader).read(job.data, job.root, job.split)
    run = open_runner(job.file, "xnnpack")

    def work(question: Question) -> Reply:
        images, ways = question
        turns = [orientation(split.path(i)) if split.path else 1 for i in images]
        found = [_answers(run, split.read(i), turn, ways, job.shape) for i, turn in zip(images, turns, strict=True)]
        answers, places, digests = (np.stack(part, axis=1) for part in zip(*found, strict=True))
        return answers, places, digests, np.array(turns)

    return work


def _answers(run: Run, picture: Image, turn: int, ways: Sequence[Way], shape: tuple[int, ...]) -> Sequence[Any]:
    """The largest outputs, their places and the tensor's digest for each way; equal tensors run once."""
    known: dict[bytes, Any] = {}

    @cache
    def seen(pipeline: Pipeline) -> Image:
        return pixels(pipeline, picture if pipeline.upright else sideways(picture, turn), shape)

    def answer(pipeline: Pipeline, table: NDArray[Any]) -> Any:
        colours = Pipeline(
            order=pipeline.order, damage=pipeline.damage, fit=pipeline.fit, crop=pipeline.crop,
            filter=pipeline.filter, upright=pipeline.upright,
        )  # fmt: skip
        tensor = np.ascontiguousarray(look_up(table, seen(colours)))
        digest = hashlib.blake2b(tensor.data, digest_size=8).digest()
        if digest not in known:
            known[digest] = *_largest(run(tensor)), int.from_bytes(digest, "little", signed=True)
        return known[digest]

    parts = zip(*(answer(*way) for way in ways), strict=True)
    return [np.array(part, np.int64) for part in parts]


def _largest(output: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    values = np.nan_to_num(output.astype(np.float64), nan=-np.inf)
    first = ranked(values[None])[0]
    places = (values > values[first][:, None]).sum(1)
    rest = np.delete(values, first)
    if rest.size:
        places[values[first] <= rest.max()] = TOP
    pad = (0, TOP - len(first))
    return np.pad(first, pad, constant_values=-1), np.pad(places, pad, constant_values=TOP)


@dataclass
class Record:
    """Of one pipeline: what `open_trials` returns, by image; `done` says for which."""

    answers: NDArray[np.int64]
    places: NDArray[np.int64]
    digests: NDArray[np.int64]
    done: NDArray[np.bool_]


class Trials:
    """The answers for a sample of images, asked for when they are needed."""

    def __init__(self, ask: Callable[[Iterable[Question]], Iterator[Reply]], tensor: Input, images: list[int]) -> None:
        self.images, self._tensor, self._ask = images, tensor, ask
        self.orientations = np.zeros(len(images), np.int64)
        self._records: dict[Pipeline, Record] = {}

    def measure(self, pipelines: Iterable[Pipeline], start: int, stop: int, title: str) -> None:
        """Run what is missing of the images from `start` to `stop`."""
        questions = list(self._missing(list(dict.fromkeys(pipelines)), start, stop))
        asked = (([self.images[i] for i in span], [self._way(each) for each in ways]) for span, ways in questions)
        replies = track(self._ask(asked), len(questions), title)
        for (span, ways), (answers, places, digests, turns) in zip(questions, replies, strict=True):
            self.orientations[span] = turns
            for row, pipeline in enumerate(ways):
                record = self[pipeline]
                record.answers[span], record.places[span] = answers[row], places[row]
                record.digests[span], record.done[span] = digests[row], True

    def _missing(self, pipelines: list[Pipeline], start: int, stop: int) -> Iterable[tuple[list[int], list[Pipeline]]]:
        for first in range(start, stop, CHUNK):
            span = list(range(first, min(stop, first + CHUNK)))
            ways = [each for each in pipelines if not self[each].done[span].all()]
            if ways:
                yield span, ways

    def _way(self, pipeline: Pipeline) -> Way:
        return pipeline, levels(pipeline, self._tensor)

    def __getitem__(self, pipeline: Pipeline) -> Record:
        n = len(self.images)
        shape = (n, TOP)
        if pipeline not in self._records:
            self._records[pipeline] = Record(
                np.full(shape, -1, np.int64), np.full(shape, TOP, np.int64), np.zeros(n, np.int64), np.zeros(n, bool)
            )
        return self._records[pipeline]

    def identical(self, first: Pipeline, second: Pipeline) -> bool:
        """Whether both gave the same tensor for every image of the sample."""
        one, other = self[first], self[second]
        return bool((one.done & other.done).all() and (one.digests == other.digests).all())


def sample(labels: NDArray[np.int64], images: int, seed: int) -> tuple[list[int], int]:
    """Up to `images` indices, evenly from all classes, and how many of them are in the first half.

    Both halves have images of all classes as far as possible, and so has each beginning of the first half.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    turn = {int(i): _turn for group in _by_class(labels, shuffled) for _turn, i in enumerate(group)}
    chosen = sorted(shuffled.tolist(), key=lambda i: turn[i])[:images]
    dealt = sorted(chosen, key=lambda i: (labels[i], turn[i]))
    halves = [sorted(half, key=lambda i: turn[i]) for half in (dealt[::2], dealt[1::2])]
    return list(itertools.chain(*halves)), len(halves[0])


def _by_class(labels: NDArray[np.int64], order: NDArray[np.int64]) -> Iterable[list[int]]:
    groups: dict[int, list[int]] = {}
    for i in order.tolist():
        groups.setdefault(int(labels[i]), []).append(i)
    return groups.values()
