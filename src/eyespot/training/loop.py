"""The plain training loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from eyespot.cards import Input, Recipe
from eyespot.training import augment
from eyespot.training.checkpoint import Epoch, Run, State, resume, save_checkpoint
from eyespot.training.norms import add_norms, fold_norms

Report = Callable[[Epoch], None]
Track = Callable[[Iterable[tuple[Tensor, Tensor]], int, str], Iterable[tuple[Tensor, Tensor]]]


@dataclass(frozen=True, kw_only=True)
class Data:
    """Training and validation images, (n, h, w, c) uint8, with labels (n,) int64."""

    images: Tensor
    labels: Tensor
    validation_images: Tensor
    validation_labels: Tensor


def fit(
    network: nn.Module, data: Data, run: Run, taken: Input, folder: Path, track: Track, report: Report
) -> nn.Module:
    """Train to the end of the recipe, from the folder's checkpoint where there is one.

    After each epoch the checkpoint is replaced and `report` is called. Returns the averaged network.
    """
    recipe = run.recipe
    network = add_norms(network) if recipe.norms else network
    network = network.to(memory_format=torch.channels_last)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.averaging), use_buffers=True)
    state = State(network=network, average=average, optimizer=_optimizer(network, recipe))
    history = resume(folder, run, state)
    for entry in history:
        report(entry)
    steps = len(data.images) // recipe.batch or 1
    for epoch in range(len(history), recipe.epochs):
        torch.manual_seed(run.seed * 1_000_003 + epoch)  # dropout's, so that a resumed run goes the same way
        started = time.monotonic()
        batches = augment.epoch_batches(data.images, data.labels, recipe, taken, seed=run.seed, epoch=epoch)
        rate, loss = _train_epoch(
            state, track(batches, steps, _title(epoch, history)), recipe, epoch * steps, steps
        )
        speed = steps * recipe.batch / (time.monotonic() - started)
        top1 = accuracy(average, data.validation_images, data.validation_labels, taken)
        entry = Epoch(
            epoch=epoch + 1, learning_rate=rate, loss=loss, validation_top1=top1, images_per_second=speed
        )
        history.append(entry)
        save_checkpoint(folder, run, state, history)
        report(entry)
    return fold_norms(average.module) if recipe.norms else average.module


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """One cycle: linearly up to the peak over the warm-up's share of all steps, linearly down to zero."""
    top = recipe.warmup * steps
    return recipe.peak * (step / top if step < top else (steps - step) / (steps - top))


def accuracy(network: nn.Module, images: Tensor, labels: Tensor, taken: Input) -> float:
    """Top-1 of a network in evaluation mode."""
    network.eval()
    correct = 0
    with torch.inference_mode():
        for pixels, wanted in zip(images.split(500), labels.split(500), strict=True):
            correct += int((network(augment.tensor(pixels, taken)).argmax(1) == wanted).sum())
    return correct / len(labels)


def _train_epoch(
    state: State, batches: Iterable[tuple[Tensor, Tensor]], recipe: Recipe, done: int, steps: int
) -> tuple[float, float]:
    """Train on the batches of one epoch; the last learning rate and the mean loss."""
    state.network.train()
    total = torch.zeros(())
    for step, (x, y) in enumerate(batches, start=done):
        rate = learning_rate(step, steps * recipe.epochs, recipe)
        state.optimizer.param_groups[0]["lr"] = rate
        loss = F.cross_entropy(state.network(x), y, label_smoothing=recipe.label_smoothing)
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        state.average.update_parameters(state.network)
        total += loss.detach()
    return rate, float(total) / steps


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    return torch.optim.SGD(
        network.parameters(),
        lr=recipe.peak,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
    )


def _title(epoch: int, history: list[Epoch]) -> str:
    """What the progress bar says in front of an epoch."""
    if not history:
        return "epoch 1"
    last = history[-1]
    told = f"validation {last.validation_top1:.4f}, loss {last.loss:.3f}"
    return f"epoch {epoch + 1}, {told}, {last.images_per_second:,.0f} images/s"
