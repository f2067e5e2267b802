"""PyTorch weights into a network, from safetensors or a file that `torch.save` wrote, and back.

The latter is a pickle. `weights_only=True` reads only tensors and containers and executes nothing.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.torch import save
from torch import Tensor, nn

from eyespot.errors import BadFileError

T = TypeVar("T")


def load_safetensors(network: nn.Module, path: Path) -> None:
    """Copy tensors by name. BadFileError if the file is damaged or belongs to another model."""
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, KeyError) as error:
        raise BadFileError(f"{path}: is not a whole safetensors file ({error}). Fetch it again.") from error
    fill(network, _without_counters(tensors), str(path))


def to_safetensors(network: nn.Module) -> bytes:
    """The bytes of a file that `load_safetensors` reads."""
    return save({name: t.contiguous() for name, t in _without_counters(network.state_dict()).items()})


def load_pth(network: nn.Module, path: Path) -> None:
    """Copy tensors in order of creation, whatever their names.

    BadFileError if the file holds no PyTorch state dict or belongs to another model.
    """
    tensors = _without_counters(_read_pth(path))
    ours = _without_counters(network.state_dict())
    names = dict(zip(tensors, ours, strict=False))  # if the counts differ, `fill` names the tensor
    fill(network, {names.get(name, name): tensor.numpy() for name, tensor in tensors.items()}, str(path))


def fill(module: nn.Module, arrays: Mapping[str, NDArray[Any]], where: str) -> None:
    """Copy arrays into the tensors of the same names, all or none.

    BadFileError, starting with `where`, for the first name or shape that does not match.
    """
    shapes = {name: array.shape for name, array in arrays.items()}
    expected = {name: tuple(t.shape) for name, t in _without_counters(module.state_dict()).items()}
    for name in [*expected, *shapes]:
        if shapes.get(name) != expected.get(name):
            both = f"{_shown(shapes.get(name))}, expected {_shown(expected.get(name))}"
            raise BadFileError(f"{where}: {name} is {both}; weights of another model?")
    module.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()}, strict=False)


def _shown(shape: tuple[int, ...] | None) -> str:
    return "absent" if shape is None else " x ".join(map(str, shape)) or "a single number"


def _without_counters(tensors: Mapping[str, T]) -> dict[str, T]:
    """All but batch norm's counters, which only momentum=None uses."""
    return {name: tensor for name, tensor in tensors.items() if not name.endswith("num_batches_tracked")}


def _read_pth(path: Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():  # torch warns about a foreign pickle, then rejects it
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:80]
        message = f"{path}: is not weights that torch.save wrote ({reason}). Fetch it again."
        raise BadFileError(message) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        kind = type(state).__name__
        raise BadFileError(f"{path}: expected a state dict (only names and tensors), found {kind}")
    return state
