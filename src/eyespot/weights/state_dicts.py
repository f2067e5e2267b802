"""PyTorch weights into a network, from safetensors or a file that `torch.save` wrote, and back.

The latter is a pickle. `weights_only=True` reads only tensors and containers and executes nothing.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from eyespot.errors import BadFileError

T = TypeVar("T")


def load_safetensors(network: nn.Module, path: Path) -> None:
    """Copy tensors by name. BadFileError if the file is damaged or belongs to another model."""
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        message = f"{path}: is not a whole safetensors file ({_reason(error)}). Fetch it again."
        raise BadFileError(message) from error
    fill(network, _numbers(tensors, path), str(path))


def to_safetensors(network: nn.Module) -> bytes:
    """The bytes of a file that `load_safetensors` reads."""
    return save({name: t.contiguous() for name, t in _without_counters(network.state_dict()).items()})


def load_pth(network: nn.Module, path: Path) -> None:
    """Copy tensors in order of creation, whatever their names.

    BadFileError if the file holds no PyTorch state dict or belongs to another model.
    """
    arrays = _numbers(_read_pth(path), path)
    ours = _without_counters(network.state_dict())
    names = dict(zip(arrays, ours, strict=False))  # if the counts differ, `fill` names the tensor
    fill(network, {names.get(name, name): array for name, array in arrays.items()}, str(path))


def fill(module: nn.Module, arrays: Mapping[str, NDArray[Any]], where: str) -> None:
    """Copy arrays into the tensors of the same names, all or none.

    BadFileError, starting with `where`, for the first name or shape that does not match, or array with a
    number that is not finite.
    """
    shapes = {name: array.shape for name, array in arrays.items()}
    expected = {name: tuple(t.shape) for name, t in _without_counters(module.state_dict()).items()}
    for name in [*expected, *shapes]:
        if shapes.get(name) != expected.get(name):
            both = f"{_shown(shapes.get(name))}, expected {_shown(expected.get(name))}"
            raise BadFileError(f"{where}: {name} is {both}; weights of another model?")
        if not np.isfinite(arrays[name]).all():
            raise BadFileError(f"{where}: {name} holds numbers that are not finite. Fetch the file again.")
    module.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()}, strict=False)


def _numbers(tensors: Mapping[str, Tensor], path: Path) -> dict[str, NDArray[np.float32]]:
    """All but counters, as float32. BadFileError unless they are floating-point numbers, one after the other."""
    kept = _without_counters(tensors)
    for name, tensor in kept.items():
        if not tensor.is_floating_point() or tensor.layout != torch.strided or tensor.device.type != "cpu":
            raise BadFileError(f"{path}: {name} is {tensor.dtype}, expected floating-point numbers")
    return {name: tensor.detach().float().numpy() for name, tensor in kept.items()}


def _reason(error: Exception) -> str:
    """An error's first line, cut short."""
    return (str(error) or type(error).__name__).partition("\n")[0][:80]


def _shown(shape: tuple[int, ...] | None) -> str:
    return "absent" if shape is None else " x ".join(map(str, shape)) or "a single number"


def _without_counters(tensors: Mapping[str, T]) -> dict[str, T]:
    """All but batch norm's counters, which only momentum=None uses."""
    return {name: tensor for name, tensor in tensors.items() if not name.endswith("num_batches_tracked")}


def _read_pth(path: Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():  # torch warns about a foreign pickle, then rejects it
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            content = io.BytesIO(path.read_bytes())  # a read from it allocates no more than it holds
            state = torch.load(content, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever a damaged file leads it to
        message = f"{path}: is not weights that torch.save wrote ({_reason(error)}). Fetch it again."
        raise BadFileError(message) from error
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    ):
        kind = type(state).__name__
        raise BadFileError(f"{path}: expected a state dict (only names and tensors), found {kind}")
    return state
