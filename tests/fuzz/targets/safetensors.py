"""Weights in a .safetensors file."""

from __future__ import annotations

import json
from collections.abc import Iterator

import torch
from safetensors.torch import save
from torch import nn

from eyespot.weights.state_dicts import load_safetensors
from fuzzing import file, refusals

NETWORK = nn.Linear(2, 3)
KINDS = ("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "int8", "uint16", "bool")


def seeds() -> Iterator[bytes]:
    for kind in KINDS:
        yield save({name: tensor.to(getattr(torch, kind)) for name, tensor in NETWORK.state_dict().items()})
    header = json.dumps({"weight": {"dtype": "F32", "shape": [2**40, 2**40, 0], "data_offsets": [0, 0]}}).encode()
    yield len(header).to_bytes(8, "little") + header


def one(data: bytes) -> None:
    path = file(data, "weights.safetensors")
    with refusals():
        load_safetensors(NETWORK, path)
