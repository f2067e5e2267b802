"""The arrays of a Keras HDF5 file. HDF5's C code is not safe with damaged files, so it runs isolated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from eyespot import isolation
from eyespot.errors import BadFileError

Layers = dict[str, dict[str, NDArray[np.float32]]]

MOST = 1 << 26  # numbers in a file; a small compressed one can claim any


def read(path: Path) -> Layers:
    """The arrays of each layer: {"conv2d_1": {"kernel": ..., "bias": ...}, ...}. Errors as `read_here`."""
    return isolation.run(read_here, path, name=f"{path}: HDF5")


def read_here(path: Path) -> Layers:
    """The same in this process. BadFileError if it is not HDF5, or has other than floating-point weights."""
    layers: Layers = {}
    left = MOST

    def visit(name: str | bytes, node: Any) -> None:
        nonlocal left
        if isinstance(node, h5py.Dataset) and isinstance(name, str) and name.startswith("model_weights/"):
            left -= node.size or 0
            if node.dtype.kind != "f" or node.external or node.is_virtual or left < 0:
                raise ValueError(f"{name} is not floating-point numbers in this file, or too large")
            layer, weight = name.split("/")[1], name.rsplit("/", 1)[1].removesuffix(":0")
            layers.setdefault(layer, {})[weight] = np.asarray(node, np.float32)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except Exception as error:  # h5py raises whatever a damaged file leads it to
        reason = str(error).partition("\n")[0][:200]
        raise BadFileError(f"{path}: is not a whole HDF5 file ({reason}); fetch it again") from error
    return layers
