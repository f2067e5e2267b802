"""Everything a run needs to go on, in one safetensors file: data only, nothing is executed on loading."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn
from torch.optim.swa_utils import AveragedModel

from eyespot.artifacts.atomic import write
from eyespot.errors import BadFileError
from eyespot.preprocessing.spec import Preprocessing
from eyespot.training.outcome import Epoch
from eyespot.zoo.cards import Recipe

NAME = "checkpoint.safetensors"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What identifies a run: a checkpoint of another run is refused.

    `start` is the digest of the weights that it begins with, "" for random ones.
    """

    model: str
    data: str
    seed: int
    recipe: Recipe
    preprocessing: Preprocessing
    start: str = ""


@dataclass(frozen=True, kw_only=True)
class State:
    """The live objects of a run; loading a checkpoint changes them in place."""

    network: nn.Module
    average: AveragedModel
    optimizer: torch.optim.SGD

    def tensors(self) -> dict[str, torch.Tensor]:
        """All tensors under flat names; momentum buffers exist after the first step."""
        flat = {f"network.{name}": t for name, t in self.network.state_dict().items()}
        flat |= {f"average.{name}": t for name, t in self.average.state_dict().items()}
        momenta = self.optimizer.state_dict()["state"]
        return flat | {f"momentum.{i}": state["momentum_buffer"] for i, state in momenta.items()}

    def restore(self, flat: dict[str, torch.Tensor]) -> None:
        """The inverse of `tensors`."""
        self.network.load_state_dict(_below(flat, "network."))
        self.average.load_state_dict(_below(flat, "average."))
        saved = self.optimizer.state_dict()
        saved["state"] = {int(i): {"momentum_buffer": t} for i, t in _below(flat, "momentum.").items()}
        self.optimizer.load_state_dict(saved)


def save_checkpoint(folder: Path, run: Run, state: State, history: list[Epoch]) -> None:
    """Replace the folder's checkpoint."""
    metadata = {"run": json.dumps(asdict(run)), "history": json.dumps([asdict(e) for e in history])}
    tensors = {name: t.contiguous() for name, t in state.tensors().items()}
    write(folder / NAME, save(tensors, metadata))


def resume(folder: Path, run: Run, state: State) -> list[Epoch]:
    """Load the folder's checkpoint into `state` and return its history, [] where there is none.

    BadFileError if it is damaged, or of another run.
    """
    path = folder / NAME
    if not path.exists():
        return []
    try:
        metadata, tensors = _read(path)
        _same_run(path, json.loads(metadata["run"]), json.loads(json.dumps(asdict(run))))
        state.restore(tensors)
        return [Epoch(**each) for each in json.loads(metadata["history"])]
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        reason = f"{error}".partition("\n")[0]
        raise BadFileError(f"{path}: damaged checkpoint ({reason}). Delete it to start again") from error


def kept_tensors(path: Path, key: str) -> dict[str, torch.Tensor]:
    """Tensors that a file keeps under this key; {} where it is not there, damaged or of another key."""
    try:
        metadata, tensors = _read(path)
    except (SafetensorError, OSError):
        return {}
    return tensors if metadata.get("key") == key else {}


def _read(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Metadata and tensors of a safetensors file, which is closed afterwards."""
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        return file.metadata() or {}, tensors


def _same_run(path: Path, found: dict[str, Any], expected: dict[str, Any]) -> None:
    found.setdefault("preprocessing", expected["preprocessing"])  # version 0.1.0 did not record it
    there, asked = ({**run, **run["recipe"], **run["preprocessing"]} for run in (found, expected))
    differing = [k for k in asked if k not in {"recipe", "preprocessing"} and there.get(k) != asked[k]]
    if differing:
        message = ", ".join(f"{k} {there.get(k)} (expected {asked[k]})" for k in differing)
        raise BadFileError(f"{path}: is of another run: {message}. Choose another --out or delete it")


def _below(flat: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): t for name, t in flat.items() if name.startswith(prefix)}
