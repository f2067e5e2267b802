"""Weights in a .tflite file, into a network."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from eyespot.weights.tflite_weights import load_layers
from fuzzing import file, refusals

NETWORK = nn.Linear(2, 3)


def seeds() -> Iterator[bytes]:
    return iter(())


def one(data: bytes) -> None:
    path = file(data, "weights.tflite")
    with refusals():
        load_layers(NETWORK, path)
