"""Copying arrays into a module, after every name and shape has been checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from eyespot.errors import BadFileError

COUNTER = "num_batches_tracked"  # of batch norm; only momentum=None uses it

Arrays = Mapping[str, NDArray[Any]]
Shape = tuple[int, ...]


def shapes(module: nn.Module) -> dict[str, Shape]:
    """The shapes of the tensors that a module stores, by name, in order of creation."""
    return {name: tuple(t.shape) for name, t in module.state_dict().items() if not name.endswith(COUNTER)}


def fill(module: nn.Module, arrays: Arrays, where: str) -> None:
    """Copy arrays into the tensors of the same names, all or none.

    BadFileError, starting with `where`, for the first name or shape that does not match.
    """
    _compare({name: array.shape for name, array in arrays.items()}, shapes(module), where)
    state = module.state_dict()  # its tensors share the module's memory
    with torch.no_grad():
        for name, array in arrays.items():
            state[name].copy_(torch.tensor(array))


def _compare(found: Mapping[str, Shape], expected: Mapping[str, Shape], where: str) -> None:
    for name in [*expected, *found]:
        if found.get(name) != expected.get(name):
            raise BadFileError(
                f"{where}: {name} is {_shown(found.get(name))}, expected {_shown(expected.get(name))}; "
                "weights of another model?"
            )


def _shown(shape: Shape | None) -> str:
    return "absent" if shape is None else " x ".join(map(str, shape)) or "a single number"
