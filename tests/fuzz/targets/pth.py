"""Weights in a file that `torch.save` wrote: a pickle in a zip archive, or the older form."""

from __future__ import annotations

import io
from collections.abc import Iterator

import torch
from torch import nn

from eyespot.weights.state_dicts import load_pth
from fuzzing import file, refusals

NETWORK = nn.Linear(2, 3)


def seeds() -> Iterator[bytes]:
    state = NETWORK.state_dict()
    for content in (state, {"weight": state["weight"].bfloat16(), "bias": state["bias"]}, [1, "a"]):
        for zipped in (True, False):
            data = io.BytesIO()
            torch.save(content, data, _use_new_zipfile_serialization=zipped)
            yield data.getvalue()


def one(data: bytes) -> None:
    path = file(data, "weights.pth")
    with refusals():
        load_pth(NETWORK, path)
