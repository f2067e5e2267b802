"""The cache of features, or of a teacher's answers, of a training run."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from safetensors.torch import save

from eyespot.training.checkpoint import cached
from fuzzing import file, refusals

TENSORS = {"training": torch.ones(2, 3), "validation": torch.ones(1, 3)}


def seeds() -> Iterator[bytes]:
    yield save(TENSORS, {"key": "k"})
    yield save(TENSORS, {"key": "other"})
    yield save({}, {"key": "k"})


def one(data: bytes) -> None:
    """A damaged cache is computed again."""
    path = file(data, "features.safetensors")
    with refusals():
        found = cached(path, "k", lambda: TENSORS)
        assert {name: t.shape for name, t in found.items()} == {name: t.shape for name, t in TENSORS.items()}
