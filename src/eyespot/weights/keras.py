"""Keras HDF5 weights into a network. HDF5 holds arrays only, so nothing in the file is executed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from eyespot.errors import BadFileError
from eyespot.weights import hdf5
from eyespot.weights.state_dicts import fill

KINDS = ("conv2d", "depthwise_conv2d", "batch_normalization", "dense")
NAMES = {  # Keras's name to PyTorch's
    "kernel": "weight",
    "depthwise_kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def load_layers(network: nn.Module, path: Path) -> None:
    """Copy the layers of `path` into the modules of the same kind, both in order of creation.

    BadFileError if the file is not HDF5, or if a layer is missing, superfluous or has another shape;
    ToolDiedError as `isolation.run`.
    """
    layers = hdf5.read(path)
    for kind in KINDS:
        modules = [m for m in network.modules() if _kind(m) == kind]
        names = [name for name in layers if re.fullmatch(rf"{kind}(_\d+)?", name)]
        if len(modules) != len(names):
            counts = f"expected {len(modules)} {kind} layers, found {len(names)}"
            raise BadFileError(f"{path}: {counts}; weights of another model?")
        names.sort(key=lambda name: (len(name), name))  # conv2d, conv2d_1, ..., conv2d_10
        for module, name in zip(modules, names, strict=True):
            arrays = {NAMES.get(weight, weight): _transposed(weight, a) for weight, a in layers[name].items()}
            fill(module, arrays, f"{path}: layer {name}")


def _kind(module: nn.Module) -> str:
    """Keras's name for this kind of layer; "" if it has no weights of its own."""
    if isinstance(module, nn.Conv2d):
        return "conv2d" if module.groups == 1 else "depthwise_conv2d"
    if isinstance(module, nn.BatchNorm2d):
        return "batch_normalization"
    return "dense" if isinstance(module, nn.Linear) else ""


def _transposed(weight: str, array: NDArray[np.float32]) -> NDArray[np.float32]:
    """From Keras's axes, (h, w, in, out), (h, w, channels, 1) or (in, out), to PyTorch's."""
    if array.ndim == 4:
        return array.transpose(2, 3, 0, 1) if weight == "depthwise_kernel" else array.transpose(3, 2, 0, 1)
    return array.T
