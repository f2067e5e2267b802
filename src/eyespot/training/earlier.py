"""What an earlier run left in the folder: it is not mixed with another run."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from eyespot.artifacts.model_folder import WEIGHTS, ModelFolder
from eyespot.data import manifest
from eyespot.errors import BadFileError, RefusedError
from eyespot.training import checkpoint, tensorboard
from eyespot.training.checkpoint import Run
from eyespot.zoo.cards import Dataset

LEFT = (checkpoint.NAME, "run.csv", "curves.png")
REMEDY = "Choose another --out, or replace them with --force"


def check_folder(folder: Path, model: str, owner: Dataset, *, force: bool) -> None:
    """RefusedError if the folder has weights of another model or of other data, unless `force`."""
    noted = manifest.load(folder)
    ours = manifest.named(owner)
    if noted and noted.data != ours and not force:
        raise RefusedError(f"{folder / manifest.NAME}: was trained on {noted.data}, not on {ours}. {REMEDY}")
    record = None
    with contextlib.suppress(BadFileError):  # damaged, and about to be replaced
        record = ModelFolder(folder).record(WEIGHTS)
    if record and record.model != model and not force:
        raise RefusedError(f"{folder / WEIGHTS}: weights of {record.model}, not of {model}. {REMEDY}")


def check_run(folder: Path, run: Run, *, force: bool) -> None:
    """With `force` remove what another run left; without, RefusedError."""
    if message := checkpoint.difference(folder, run):
        if not force:
            path = folder / checkpoint.NAME
            raise RefusedError(f"{path}: is of another run: {message}. {REMEDY}")
        for name in LEFT:
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / tensorboard.FOLDER, ignore_errors=True)
