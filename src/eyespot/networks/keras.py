"""Keras HDF5 weights into a network. HDF5 arrays are data: nothing in the file is executed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from eyespot.errors import BadFileError

Arrays = dict[str, NDArray[np.float32]]


def load_layers(network: nn.Module, path: Path) -> None:
    """Copy the layers of `path` into the modules of the same kind, both in the order they were made.

    BadFileError where the file is not HDF5, or a layer is missing, left over or of another shape.
    """
    layers = read_layers(path)
    for kind, prefix in (
        (nn.Conv2d, "conv2d"),
        (nn.BatchNorm2d, "batch_normalization"),
        (nn.Linear, "dense"),
    ):
        modules = [m for m in network.modules() if isinstance(m, kind)]
        names = sorted((n for n in layers if re.fullmatch(rf"{prefix}(_\d+)?", n)), key=_number)
        if len(modules) != len(names):
            raise BadFileError(
                f"{path}: {len(names)} {prefix} layers, expected {len(modules)}; weights of another model?"
            )
        for module, name in zip(modules, names, strict=True):
            _copy(module, layers[name], f"{path}: layer {name}")


def read_layers(path: Path) -> dict[str, Arrays]:
    """The arrays of each layer of a Keras file: {"conv2d_1": {"kernel": ..., "bias": ...}, ...}."""
    layers: dict[str, Arrays] = {}

    def visit(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and name.startswith("model_weights/"):
            layer, weight = name.split("/")[1], name.rsplit("/", 1)[1].removesuffix(":0")
            layers.setdefault(layer, {})[weight] = np.asarray(node, np.float32)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except OSError as error:
        raise BadFileError(f"{path}: is not a whole HDF5 file ({error}); fetch it again") from error
    return layers


def _number(name: str) -> int:
    """`conv2d` is 0, `conv2d_7` is 7."""
    tail = name.rsplit("_", 1)[-1]
    return int(tail) if tail.isdigit() else 0


def _copy(module: nn.Module, arrays: Arrays, where: str) -> None:
    pairs = {
        "kernel": "weight",
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }
    for name, stored in arrays.items():
        array = stored if name != "kernel" else stored.transpose(3, 2, 0, 1) if stored.ndim == 4 else stored.T
        target = pairs.get(name, name)
        tensor: torch.Tensor = getattr(module, target)
        if tensor.shape != array.shape:
            raise BadFileError(
                f"{where}: {name} is {array.shape}, expected {tuple(tensor.shape)}; weights of another model?"
            )
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(array)))
