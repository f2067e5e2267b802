"""PyTorch weights into a network, from safetensors or a file that `torch.save` wrote, and back.

The latter is a pickle. `weights_only=True` reads only tensors and containers and executes nothing.
"""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.torch import save
from torch import nn

from eyespot.errors import BadFileError
from eyespot.networks.parameters import COUNTER, fill, shapes


def load_safetensors(network: nn.Module, path: Path) -> None:
    """Copy tensors by name. BadFileError if the file is damaged or belongs to another model."""
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, KeyError) as error:
        raise BadFileError(f"{path}: is not a whole safetensors file ({error}). Fetch it again.") from error
    fill(network, {name: array for name, array in tensors.items() if not name.endswith(COUNTER)}, str(path))


def to_safetensors(network: nn.Module) -> bytes:
    """The bytes of a file that `load_safetensors` reads."""
    tensors = {k: t.contiguous() for k, t in network.state_dict().items() if not k.endswith(COUNTER)}
    return save(tensors)


def load_pth(network: nn.Module, path: Path) -> None:
    """Copy tensors in order of creation, whatever their names.

    BadFileError if the file holds no PyTorch state dict or belongs to another model.
    """
    tensors = _read_pth(path)
    names = dict(zip(tensors, shapes(network), strict=False))  # if the counts differ, `fill` names the tensor
    fill(network, {names.get(name, name): array for name, array in tensors.items()}, str(path))


def _read_pth(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    try:
        with warnings.catch_warnings():  # torch warns about a foreign pickle, then rejects it
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:80]
        raise BadFileError(
            f"{path}: is not weights that torch.save wrote ({reason}). Fetch it again."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise BadFileError(
            f"{path}: expected a state dict (only names and tensors), found {type(state).__name__}"
        )
    return {name: t.numpy() for name, t in state.items() if not name.endswith(COUNTER)}
