"""What a trained network is worth: per class, on its training images, and against simpler models."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from eyespot.evaluation.metrics import gain, subset
from eyespot.preprocessing.spec import Preprocessing
from eyespot.training.data import Data, Images
from eyespot.training.last_layer import best, regress
from eyespot.training.loop import answers
from eyespot.training.outcome import Answers, Simpler

SIDE = 16  # pixels of the pictures that the linear model sees
MOST = 5_000  # pictures that it learns from
SEEN = 300  # training images that are classified again
STRENGTHS = (1e-2, 1e-1, 1.0)  # of the linear model's weight decay


def judged(network: nn.Module, data: Data, spec: Preprocessing, found: Answers) -> dict[str, Any]:
    """The fields of a `Training` that are counted, from the answers for the validation images."""
    labels, right = found.labels, found.called == found.labels
    rows = _spread(len(data.images), SEEN)
    again = answers(network, data.images[rows], spec).argmax(1) == data.labels[rows]
    whole = subset(right)
    prior = np.bincount(data.labels.numpy(), minlength=len(found.classes)).argmax()
    linear = _linear(data, len(found.classes))
    return {
        "validation_top1": whole.top1, "low": whole.low, "high": whole.high, "n": whole.n,
        "training": subset(again.numpy()),
        "per_class": {
            name: subset(right[labels == i]) for i, name in enumerate(found.classes) if (labels == i).any()
        },
        "prior": _compared(right, labels == prior), "linear": _compared(right, labels == linear),
    }  # fmt: skip


def _compared(right: NDArray[np.bool_], simpler: NDArray[np.bool_]) -> Simpler:
    """A simpler model's answers, right or not, against the network's for the same images."""
    more, low, high = gain(right, simpler)
    return Simpler(top1=float(simpler.mean()), gain=more, low=low, high=high, n=len(right))


def _linear(data: Data, classes: int) -> NDArray[np.int64]:
    """What logistic regression on reduced pixels answers for the validation images."""
    rows = _spread(len(data.images), MOST)
    x, labels = _reduced(data.images, rows), data.labels[rows]
    layers = [regress(x, labels, classes, strength) for strength in STRENGTHS]
    shown = _reduced(data.validation_images, torch.arange(len(data.validation_images)))
    called: NDArray[np.int64] = F.linear(shown, **best(layers, shown, data.validation_labels)).argmax(1).numpy()
    return called


def _reduced(images: Images, rows: Tensor) -> Tensor:
    """Those images with `SIDE` pixels a side, (n, pixels)."""
    chunks = (images[chunk].permute(0, 3, 1, 2).float() for chunk in rows.split(500))
    return torch.cat([F.adaptive_avg_pool2d(chunk, SIDE).flatten(1) for chunk in chunks])


def _spread(n: int, most: int) -> Tensor:
    """At most so many of n indices, evenly spread."""
    return torch.linspace(0, n - 1, min(n, most)).long()
