"""What training returns, without importing torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts.measurements import Subset
from eyespot.artifacts.model_folder import Artifact
from eyespot.data.inspected import Inspection
from eyespot.nouns import Noun


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """The result of an epoch: one line of run.csv."""

    epoch: int
    learning_rate: float
    loss: float
    validation_top1: float
    images_per_second: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Simpler(Noun):
    """Top-1 of a simpler model on the network's n validation images, and what the network gains over it.

    `low` and `high` bound the gain's 95 % interval (paired).
    """

    top1: float
    gain: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True, repr=False)
class Training(Noun):
    """A finished run: its top-1 on n validation images, and the files in its folder.

    `low` and `high` bound the 95 % interval (Wilson). `training` is top-1 on training images, at most 300;
    `per_class` each class's recall. `prior` always answers the most frequent class, `linear` is a logistic
    regression on the pixels. `layers` are those that were trained, last or all, and `tried` top-1 on the
    validation images of each choice. `dropped` counts the images left out, by reason. `inspection` is what the
    user's own images hold, and `int8` the `Quantized` of `train --int8`.
    """

    folder: Path
    validation_top1: float
    low: float
    high: float
    n: int
    training: Subset
    layers: str
    tried: Mapping[str, Subset]
    prior: Simpler
    linear: Simpler
    per_class: Mapping[str, Subset]
    dropped: Mapping[str, int]
    float32: Artifact
    weights: Artifact
    inspection: Inspection | None = None
    int8: Noun | None = None


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A network's probabilities, (n, classes), for labelled images; `image(i)` is (h, w, c) uint8.

    `files` are their names, or empty where the images are not files.
    """

    image: Callable[[int], NDArray[np.uint8]]
    labels: NDArray[np.int64]
    shares: NDArray[np.float32]
    classes: tuple[str, ...]
    files: Sequence[str] = ()

    def file(self, i: int) -> str:
        """The name of an image's file, or its number where the images are not files."""
        return self.files[i] if self.files else str(i)

    @property
    def called(self) -> NDArray[np.int64]:
        """The most probable class of each image, (n,)."""
        return self.shares.argmax(1)

    @property
    def mistakes(self) -> list[int]:
        """The images that are called wrongly, those of the surest answers first."""
        wrong = np.flatnonzero(self.called != self.labels).tolist()
        return sorted(wrong, key=lambda i: -self.shares[i].max())


@dataclass(frozen=True, kw_only=True, repr=False)
class Trial(Noun):
    """A run of a sweep in its own folder: top-1 on the validation images, or why it failed."""

    fields: Mapping[str, int | float | bool | str]
    seed: int
    folder: Path
    validation: Subset | None
    error: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Setting(Noun):
    """Values of a recipe's fields, and top-1 on the same n validation images over the `seeds` that did not fail.

    `low` and `high` bound the 95 % interval of the mean as one share of the n images (Wilson). `deviation` is the
    standard deviation over the seeds, None of one; `lowest` and `highest` are of single seeds.
    """

    fields: Mapping[str, int | float | bool | str]
    seeds: tuple[int, ...]
    mean: float
    low: float
    high: float
    deviation: float | None
    lowest: float
    highest: float
    n: int


@dataclass(frozen=True, kw_only=True, repr=False)
class Sweep(Noun):
    """The settings that were compared, in the order in which they were given, and all runs.

    `best` has the highest mean, of equals the first. `chosen` is the folder of its best run.
    """

    folder: Path
    model: str
    best: Setting
    chosen: Path
    settings: tuple[Setting, ...]
    trials: tuple[Trial, ...]
