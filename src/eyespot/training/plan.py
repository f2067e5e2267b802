"""What a fine-tuning will do and about how long it takes, from one batch of each kind."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from eyespot.progress import note
from eyespot.training import augment, ranks
from eyespot.training.checkpoint import Run
from eyespot.training.data import Data
from eyespot.training.last_layer import seen
from eyespot.training.loop import arithmetic, begin, chunks, device_of, train_epoch
from eyespot.training.norms import without_norms


def announce(network: nn.Module, data: Data, run: Run, layers: str, weights: str) -> None:
    """Say it in a line on stderr. The network is left as it is."""
    device, images = device_of(network), 2 * len(data.images) + len(data.validation_images)
    kind = "bfloat16" if arithmetic(run.recipe, device)._enabled else "float32"
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    threads += f" in each of {ranks.size()} processes" if ranks.size() > 1 else ""
    text = f"{run.model} from {weights} weights ({device.type}{threads}, {kind}): the last layer takes about "
    text += _duration(images / (ranks.size() * _looking_speed(network, data, run)))
    if layers != "last":
        speed = ranks.size() * _training_speed(network, data, run)
        text += f", then all layers about {_duration(run.recipe.epochs * len(data.images) / speed)}"
        text += f" ({run.recipe.epochs} epochs, {speed:,.0f} images/s measured on a batch)"
    if layers == "auto":
        text += f"; the better on {len(data.validation_images):,} validation images stays"
    note(text)


def _looking_speed(network: nn.Module, data: Data, run: Run) -> float:
    """Images per second for the features."""
    bare, first = without_norms(network), chunks(data.images, run.preprocessing)[0]
    images = data.images[first]
    return len(images) / _second_time(lambda: seen(bare, images, run.preprocessing, run.recipe, "one batch"))


def _training_speed(network: nn.Module, data: Data, run: Run) -> float:
    """Images per second for all layers, of a copy."""
    recipe = replace(run.recipe, balanced=False)  # its last layer still has its own classes
    state, labels = begin(copy.deepcopy(network), recipe), torch.zeros_like(data.labels)

    def step() -> None:
        batch = next(augment.epoch_batches(data.images, recipe, run.preprocessing, seed=0, epoch=0))
        train_epoch(state, [(0.0, batch)], labels, None, recipe)

    return min(recipe.batch, len(data.images)) / _second_time(step)


def _second_time(work: Callable[[], object]) -> float:
    """Seconds that it takes; the first time it also prepares."""
    work()
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{seconds / 3600:.1f} h"
