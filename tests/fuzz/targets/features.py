"""The cache of features, or of a teacher's answers, of a training run."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from eyespot.training.checkpoint import cached, packed
from fuzzing import file
from signed import signed

TENSORS = {"training": torch.ones(2, 3), "validation": torch.ones(1, 3)}


def seeds() -> Iterator[bytes]:
    yield packed(TENSORS, {"key": "k"})
    yield packed(TENSORS, {"key": "other"})
    yield packed({}, {"key": "k"})


def one(data: bytes) -> None:
    """What is read is what was written; a damaged cache is computed again."""
    found = cached(file(data, "features.safetensors"), "k", lambda: TENSORS)
    assert not found or all(torch.equal(found[name], tensor) for name, tensor in TENSORS.items())
    found = cached(file(signed(data), "features.safetensors"), "k", lambda: TENSORS)
    assert all(isinstance(tensor, torch.Tensor) for tensor in found.values())
