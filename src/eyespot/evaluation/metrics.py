"""From a file's outputs to its accuracy."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts.measurements import Evaluation, Subset
from eyespot.quantity import paired, wilson
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
        "right": b64encode(np.packbits(answers[:, 0] == labels).tobytes()).decode(),
    }


def unrepeated(right: NDArray[np.bool_], digests: Sequence[bytes], data: Dataset) -> Subset | None:
    """Top-1 on the images that the data set's other splits do not repeat; None without a list of those."""
    repeated = data.repeated
    kept = right[[digest not in repeated for digest in digests]]
    if not (repeated and len(kept)):
        return None
    return subset(kept)


def subset(right: NDArray[np.bool_]) -> Subset:
    """Top-1 on images, from whether the answer for each is right; at least one."""
    correct, n = int(right.sum()), len(right)
    low, high = wilson(correct, n)
    return Subset(n=n, correct=correct, top1=correct / n, low=low, high=high)


def difference(first: Evaluation, second: Evaluation) -> tuple[float, float, float] | None:
    """Top-1 of the first minus that of the second, with its paired 95 % interval; None if they cannot be paired."""
    if first.data_digest != second.data_digest or first.right is None or second.right is None:
        return None
    packed = (np.frombuffer(b64decode(e.right or ""), np.uint8) for e in (first, second))
    return gain(*(np.unpackbits(bits, count=first.n).astype(bool) for bits in packed))


def gain(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Our top-1 minus theirs on the same images, from whether each answer is right, with its paired 95 % interval."""
    won, lost, n = int((ours & ~theirs).sum()), int((theirs & ~ours).sum()), len(ours)
    return (won - lost) / n, *paired(won, lost, n)
