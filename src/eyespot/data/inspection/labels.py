"""Labels that are probably wrong, from what pictures look like to a network that never saw these labels.

Confident learning's idea (Northcutt, Jiang and Chuang, JAIR 70, 2021): out-of-fold class probabilities say what a
picture looks like to all the others, and the noise among the labels is estimated from them. Two parts differ,
because they find more on few pictures. The classifier is a linear discriminant, which has a closed form. And
instead of a threshold for each class there is one share of wrong labels, found by maximum likelihood together
with the temperature of the probabilities; each label then has a probability to be wrong. What is probably
wrong weighs less when it is all done again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]

LEAST = 5  # pictures of a class
FOLDS, PASSES, STEPS = 10, 3, 30
DIMENSIONS = 128  # principal components of the features
SHRINKAGE = 0.2  # of the covariance towards a multiple of the identity
TEMPERATURES = np.geomspace(0.3, 10, 30)
DOUBTFUL = 0.15  # the least probability of a wrong label that is reported
AT_ONCE, FIFTIETH = 10, 50  # so many labels are reported at once, or one in fifty: mending some changes the others


def doubts(features: Real, labels: Labels, classes: int) -> tuple[Real, Labels]:
    """The probability that each label (n,) is wrong, from features (n, width), and the likeliest other class.

    Each of two or more classes has at least `LEAST` pictures, no two of which are copies.
    """
    x = _components(features)
    wrong: Real = np.zeros(len(labels))
    folds = _folds(labels)
    for _ in range(PASSES):
        scores = _out_of_fold(x, labels, 1 - wrong, folds, classes)
        wrong = _wrong(scores, labels)
    scores[np.arange(len(labels)), labels] = -np.inf
    return wrong, scores.argmax(1)


def reported(wrong: Real) -> list[int]:
    """The labels to look at first, of the probabilities (n,) that `doubts` gives, the likeliest first."""
    most = max(AT_ONCE, len(wrong) // FIFTIETH)
    return [int(i) for i in np.argsort(-wrong, kind="stable")[:most] if wrong[i] >= DOUBTFUL]


def _components(features: Real) -> Real:
    """The first principal components of standardised features, (n, up to 128)."""
    x = features.astype(np.float32)
    x -= x.mean(0)
    x /= x.std(0) + 1e-6
    _, vectors = np.linalg.eigh(x.T @ x)
    return x @ vectors[:, -DIMENSIONS:]


def _folds(labels: Labels) -> Labels:
    """A fold for each picture; those of a class are spread over all folds. Always the same."""
    order = np.random.default_rng(0).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    folds = np.empty_like(labels)
    folds[order] = np.arange(len(labels)) % FOLDS
    return folds


def _out_of_fold(x: Real, labels: Labels, weights: Real, folds: Labels, classes: int) -> Real:
    """Logits (n, classes), each from the pictures of the other folds."""
    scores = np.empty((len(x), classes), np.float32)
    for fold in range(FOLDS):
        rest, held_out = folds != fold, folds == fold
        w, b = _discriminant(x[rest], labels[rest], weights[rest], classes)
        scores[held_out] = x[held_out] @ w + b
    return scores


def _discriminant(x: Real, labels: Labels, weights: Real, classes: int) -> tuple[Real, Real]:
    """Weight (width, classes) and bias of a linear discriminant: classes of one covariance, with weighted pictures."""
    counts = np.bincount(labels, weights, classes) + 1e-3
    means = np.zeros((classes, x.shape[1]))
    np.add.at(means, labels, x * weights[:, None])
    means /= counts[:, None]
    apart = (x - means[labels]) * np.sqrt(weights)[:, None]
    covariance = apart.T @ apart / counts.sum()
    level = max(np.trace(covariance) / len(covariance), 1e-12)
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * level * np.eye(len(covariance))
    w = np.linalg.solve(covariance, means.T)
    return w, np.log(counts) - (means.T * w).sum(0) / 2


def _wrong(scores: Real, labels: Labels) -> Real:
    """The probability (n,) that a label is wrong: of the temperature and the share of wrong labels that fit best."""
    n, classes = scores.shape
    best, found = -np.inf, np.zeros(n)
    for temperature in TEMPERATURES:
        scaled = scores / temperature
        scaled -= scaled.max(1, keepdims=True)
        right = np.exp(scaled[np.arange(n), labels]) / np.exp(scaled).sum(1)
        other, share = (1 - right) / (classes - 1), 0.05
        for _ in range(STEPS):
            both = (1 - share) * right + share * other
            posterior = share * other / np.maximum(both, 1e-300)
            share = min(max(posterior.mean(), 1e-6), 0.5)
        if (likelihood := np.log(np.maximum(both, 1e-300)).sum()) > best:
            best, found = likelihood, posterior
    return found
