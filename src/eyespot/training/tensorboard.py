"""A run's history in TensorBoard's format."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from eyespot.training.outcome import Epoch

FOLDER = "tensorboard"


class EventWriter:
    """Writes the history of each folder to its `tensorboard/`, once from the beginning, then epoch by epoch."""

    def __init__(self) -> None:
        """ModuleNotFoundError without the package tensorboard."""
        from torch.utils.tensorboard import SummaryWriter

        self._open = SummaryWriter
        self._written: dict[Path, int] = {}

    def __call__(self, history: Sequence[Epoch], folder: Path) -> None:
        """Add the epochs that are not there yet."""
        place = folder / FOLDER
        if folder not in self._written:
            shutil.rmtree(place, ignore_errors=True)  # of a run that was stopped
        with self._open(str(place)) as events:
            for epoch in history[self._written.get(folder, 0) :]:
                values = asdict(epoch)
                step = values.pop("epoch")
                for name, value in values.items():
                    events.add_scalar(name, value, step)
        self._written[folder] = len(history)
