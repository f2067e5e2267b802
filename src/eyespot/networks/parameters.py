"""Copying arrays into a module: all of them or none, every name and shape compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from eyespot.errors import BadFileError

COUNTER = "num_batches_tracked"  # batch norm's, which only momentum=None reads

Arrays = Mapping[str, NDArray[Any]]
Shape = tuple[int, ...]


def shapes(module: nn.Module) -> dict[str, Shape]:
    """The shape of every tensor that a module stores, by its name there, in the order they were made."""
    return {name: tuple(t.shape) for name, t in module.state_dict().items() if not name.endswith(COUNTER)}


def fill(module: nn.Module, arrays: Arrays, where: str) -> None:
    """Copy arrays into the tensors of the same names; BadFileError starts with `where`."""
    _compare({name: array.shape for name, array in arrays.items()}, shapes(module), where)
    state = module.state_dict()  # its tensors share the module's memory
    with torch.no_grad():
        for name, array in arrays.items():
            state[name].copy_(torch.tensor(array))


def _compare(found: Mapping[str, Shape], expected: Mapping[str, Shape], where: str) -> None:
    """BadFileError names the first tensor that is missing, left over or of another shape."""
    for name in [*expected, *found]:
        if found.get(name) != expected.get(name):
            raise BadFileError(
                f"{where}: {name} is {_told(found.get(name))}, expected {_told(expected.get(name))}; "
                "weights of another model?"
            )


def _told(shape: Shape | None) -> str:
    return "absent" if shape is None else " x ".join(map(str, shape)) or "a single number"
