"""All that a run needs to continue, in one safetensors file: loading it executes nothing.

The files here hold a digest of their content, so that damage is noticed.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn
from torch.optim.swa_utils import AveragedModel

from eyespot.artifacts.atomic import digest, write
from eyespot.errors import BadFileError, RefusedError
from eyespot.preprocessing.spec import Preprocessing
from eyespot.training.outcome import Epoch
from eyespot.zoo.cards import Recipe

NAME, ENTRY = "checkpoint.safetensors", "eyespot"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What identifies a run. `start` is the digest of its first weights, "" for random ones."""

    model: str
    data: str
    seed: int
    recipe: Recipe
    preprocessing: Preprocessing
    start: str = ""


@dataclass(frozen=True, kw_only=True)
class State:
    """The live objects of a run; `resume` changes them in place."""

    network: nn.Module
    average: AveragedModel
    optimizer: torch.optim.SGD


def save_checkpoint(folder: Path, run: Run, state: State, history: list[Epoch]) -> None:
    """Write or replace the folder's checkpoint."""
    momenta = state.optimizer.state_dict()["state"]
    tensors = {f"network.{name}": t for name, t in state.network.state_dict().items()}
    tensors |= {f"average.{name}": t for name, t in state.average.state_dict().items()}
    tensors |= {f"momentum.{i}": each["momentum_buffer"] for i, each in momenta.items()}
    metadata = {"run": json.dumps(asdict(run)), "history": json.dumps([asdict(e) for e in history])}
    write(folder / NAME, packed({name: t.cpu().contiguous() for name, t in tensors.items()}, metadata))


def resume(folder: Path, run: Run, state: State) -> list[Epoch]:
    """Load the folder's checkpoint, if any, into `state`; its history. RefusedError if another run's."""
    path = folder / NAME
    if not path.exists():
        return []
    with _undamaged(path):
        metadata, tensors = _read(path)
        message = _difference(metadata, run)
    if message:
        raise RefusedError(f"{path}: is of another run: {message}. Choose another --out, or start again with --force")
    with _undamaged(path):
        state.network.load_state_dict(_below(tensors, "network."))
        state.average.load_state_dict(_below(tensors, "average."))
        saved = state.optimizer.state_dict()
        saved["state"] = {int(i): {"momentum_buffer": t} for i, t in _below(tensors, "momentum.").items()}
        state.optimizer.load_state_dict(saved)
        return msgspec.json.decode(metadata["history"], type=list[Epoch])


def difference(folder: Path, run: Run) -> str:
    """How the run of the folder's checkpoint differs from this one; "" if it does not, or without one."""
    path = folder / NAME
    if not path.exists():
        return ""
    with _undamaged(path):
        return _difference(_read(path)[0], run)


def _difference(metadata: dict[str, str], run: Run) -> str:
    saved, expected = json.loads(metadata["run"]), json.loads(json.dumps(asdict(run)))
    theirs, ours = ({**each.pop("recipe"), **each.pop("preprocessing"), **each} for each in (saved, expected))
    return ", ".join(f"{k} {theirs.get(k)} (expected {ours[k]})" for k in ours if theirs.get(k) != ours[k])


@contextlib.contextmanager
def _undamaged(path: Path) -> Iterator[None]:
    """BadFileError for whatever a damaged checkpoint leads to."""
    try:
        yield
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadFileError(f"{path}: damaged checkpoint ({reason}). Delete it to start again") from error


def cached(path: Path, key: str, compute: Callable[[], dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The tensors that `compute` returns, from a file if an earlier call with this key wrote it."""
    with contextlib.suppress(SafetensorError, OSError, ValueError, TypeError, RuntimeError):
        metadata, tensors = _read(path)
        if metadata.get("key") == key:
            return tensors
    tensors = compute()
    write(path, packed(tensors, {"key": key}))
    return tensors


def packed(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> bytes:
    """A safetensors file with the digest of its content; in one entry, as safetensors orders them at random."""
    return save(tensors, {ENTRY: json.dumps(metadata | {"digest": _digest(tensors, metadata)}, sort_keys=True)})


def _digest(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> str:
    return digest(save(tensors) + json.dumps(metadata, sort_keys=True).encode())


def _read(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Metadata and tensors of a file that holds `packed`, which is closed afterwards. ValueError for others."""
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        metadata = json.loads((file.metadata() or {}).get(ENTRY, "{}"))
    if metadata.pop("digest", "") != _digest(tensors, metadata):
        raise ValueError("its content has another digest than it says")
    return metadata, tensors


def _below(flat: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): t for name, t in flat.items() if name.startswith(prefix)}
