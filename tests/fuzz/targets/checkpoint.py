"""The checkpoint of a training run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from eyespot.preprocessing.spec import Preprocessing
from eyespot.training.checkpoint import NAME, Run, State, resume, save_checkpoint
from eyespot.training.outcome import Epoch
from eyespot.zoo.cards import Augmentation, Recipe
from fuzzing import file, refusals
from signed import signed

RECIPE = Recipe(
    epochs=3, batch=16, peak=0.02, warmup=0.25, momentum=0.9, weight_decay=1e-4, averaging=0.5,
    label_smoothing=0.0, augmentation=Augmentation(),
)  # fmt: skip
RUN = Run(model="m", data="d", seed=0, recipe=RECIPE, preprocessing=Preprocessing(height=16, width=16))
EPOCH = Epoch(epoch=0, learning_rate=0.1, loss=1.5, validation_top1=0.5, images_per_second=10.0)


def state() -> State:
    """Of a network that has learned one step."""
    network = nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.ones(2, 2)).sum().backward()
    optimizer.step()
    return State(network=network, average=AveragedModel(network), optimizer=optimizer)


STATE = state()
FOLDER = file(b"", NAME).parent


def seeds() -> Iterator[bytes]:
    for run, history in ((RUN, [EPOCH]), (RUN, []), (replace(RUN, seed=1), [EPOCH])):
        save_checkpoint(FOLDER, run, STATE, history)
        yield (FOLDER / NAME).read_bytes()


def one(data: bytes) -> None:
    file(signed(data), NAME)
    with refusals():
        for epoch in resume(FOLDER, RUN, STATE):
            assert isinstance(epoch.epoch, int)
            assert all(isfinite(number) for number in vars(epoch).values())
