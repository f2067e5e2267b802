"""From a file's outputs to its accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts.measurements import Subset
from eyespot.quantity import wilson
from eyespot.zoo.cards import Dataset

TOP5_FROM = 21  # classes


def accuracy(answers: NDArray[np.int64], labels: NDArray[np.int64], classes: tuple[str, ...]) -> dict[str, Any]:
    """The fields of an `Evaluation` that are counted, from ranked classes (n, 5) and labels (n,)."""
    n, correct = len(labels), int((answers[:, 0] == labels).sum())
    confusion = np.zeros((len(classes), len(classes)), int)
    np.add.at(confusion, (labels, answers[:, 0]), 1)
    low, high = wilson(correct, n)
    top5 = float((answers == labels[:, None]).any(1).mean())
    total = confusion.sum(1)
    return {
        "n": n,
        "correct": correct,
        "top1": correct / n,
        "low": low,
        "high": high,
        "top5": top5 if len(classes) >= TOP5_FROM else None,
        "per_class": {name: float(confusion[i, i] / total[i]) for i, name in enumerate(classes) if total[i]},
        "confusion": tuple((int(i), int(j), int(confusion[i, j])) for i, j in np.argwhere(confusion)),
    }


def unrepeated(right: NDArray[np.bool_], digests: Sequence[bytes], data: Dataset) -> Subset | None:
    """Top-1 on the images that the data set's training split does not repeat; None without a list of those."""
    repeated = data.repeated
    kept = right[[digest not in repeated for digest in digests]]
    if not (repeated and len(kept)):
        return None
    correct, n = int(kept.sum()), len(kept)
    low, high = wilson(correct, n)
    return Subset(n=n, correct=correct, top1=correct / n, low=low, high=high)
