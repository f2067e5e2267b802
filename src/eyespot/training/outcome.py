"""What training returns, without importing torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts.model_folder import Artifact
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
class Training(Noun):
    """A finished run: its folder, weights and float32 file, and top-1 on n validation images.

    `low` and `high` bound the 95 % interval (Wilson). `dropped` counts the images left out, by reason.
    """

    folder: Path
    weights: Artifact
    float32: Artifact
    validation_top1: float
    low: float
    high: float
    n: int
    dropped: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A network's probabilities, (n, classes), for labelled images (n, h, w, c)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    shares: NDArray[np.float32]
    classes: tuple[str, ...]
