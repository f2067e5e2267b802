"""The plain training loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from eyespot.networks.layers import initialise
from eyespot.preprocessing.spec import Preprocessing
from eyespot.progress import track
from eyespot.training import augment
from eyespot.training.checkpoint import Run, State, resume, save_checkpoint
from eyespot.training.data import Data
from eyespot.training.norms import add_norms, fold_norms
from eyespot.training.outcome import Epoch
from eyespot.zoo.cards import Recipe

CHUNK = 200  # images classified at once
SHORTEST = 1e-3  # the assumed length of shorter tensors, so that zeros can change

Report = Callable[[list[Epoch], Path], None]
Taught = Callable[[int], Tensor]
Batches = Iterable[tuple[float, tuple[Tensor, Tensor]]]  # each with its learning rate


def fit(
    network: nn.Module, data: Data, run: Run, folder: Path, report: Report, taught: Taught | None = None
) -> nn.Module:
    """Train to the end of the recipe, from the folder's checkpoint if any; returns the averaged network.

    The network starts with random weights, or with its own if the run has a `start`. After each epoch the
    checkpoint is replaced and `report(history, folder)` is called. `taught` returns a teacher's logits for
    an epoch's views, (n, classes).
    """
    recipe, spec = run.recipe, run.preprocessing
    if not run.start:
        initialise(network, run.seed)
    if recipe.norms:
        add_norms(network)
    network = network.to(memory_format=torch.channels_last)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.averaging), use_buffers=True)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=recipe.peak, momentum=recipe.momentum, weight_decay=recipe.weight_decay,
        nesterov=True,
    )  # fmt: skip
    state = State(network=network, average=average, optimizer=optimizer)
    history = resume(folder, run, state)
    if history:
        report(history, folder)
    steps = len(data.images) // recipe.batch or 1
    for epoch in range(len(history), recipe.epochs):
        torch.manual_seed(run.seed * 1_000_003 + epoch)  # of dropout, so that resumed runs repeat it
        started = time.monotonic()
        batches = augment.epoch_batches(data.images, recipe, spec, seed=run.seed, epoch=epoch)
        rates = [learning_rate(epoch * steps + i, recipe.epochs * steps, recipe) for i in range(steps)]
        title = f"epoch {epoch + 1}"
        if history:
            title += f", validation {history[-1].validation_top1:.4f}, loss {history[-1].loss:.3f}"
            title += f", {history[-1].images_per_second:,.0f} images/s"
        shown = track(zip(rates, batches, strict=True), steps, title)
        loss = _train_epoch(state, shown, data.labels, taught and taught(epoch), recipe)
        speed = steps * recipe.batch / (time.monotonic() - started)
        correct = answers(average, data.validation_images, spec).argmax(1) == data.validation_labels
        entry = Epoch(
            epoch=epoch + 1, learning_rate=rates[-1], loss=loss,
            validation_top1=float(correct.float().mean()), images_per_second=speed,
        )  # fmt: skip
        history.append(entry)
        save_checkpoint(folder, run, state, history)
        report(history, folder)
    fold_norms(average.module)
    return average.module


def use_threads(threads: int | None) -> None:
    """Set the number of threads; None changes nothing."""
    torch.set_num_threads(threads or torch.get_num_threads())


def arithmetic(recipe: Recipe) -> torch.autocast:
    """Layers in bfloat16 if the recipe says so and the processor supports it."""
    able = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16 and able)


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """One cycle: linearly up to the peak during the warm-up, then down; never zero."""
    top = max(1.0, recipe.warmup * steps)
    return recipe.peak * min((step + 1) / top, (steps - step) / (steps + 1 - top))


def answers(network: nn.Module, images: Tensor, spec: Preprocessing) -> Tensor:
    """Class probabilities (n, classes) of (n, h, w, c) uint8 images, in evaluation mode."""
    network.eval()
    with torch.inference_mode():
        batches = (augment.ready(pixels.permute(0, 3, 1, 2), spec) for pixels in images.split(CHUNK))
        return torch.cat([network(x).softmax(1) for x in batches])


def _train_epoch(state: State, batches: Batches, labels: Tensor, lesson: Tensor | None, recipe: Recipe) -> float:
    """Train on the batches of one epoch and return the mean loss; `lesson` is a teacher's logits."""
    weights = balance(labels, int(labels.max()) + 1) if recipe.balanced else None
    state.network.train()
    for module in state.network.modules():
        if recipe.frozen_norms and isinstance(module, nn.BatchNorm2d):
            module.eval()
    losses = []
    for rate, (indices, x) in batches:
        state.optimizer.param_groups[0]["lr"] = rate
        with arithmetic(recipe):
            logits = state.network(x)
        logits = logits.float()
        loss = F.cross_entropy(logits, labels[indices], weights, label_smoothing=recipe.label_smoothing)
        if lesson is not None and recipe.teacher:  # mixed with the divergence from the softened lesson
            t = recipe.teacher.temperature
            ours, theirs = (F.log_softmax(x / t, 1) for x in (logits, lesson[indices].float()))
            soft = t * t * F.kl_div(ours, theirs, reduction="batchmean", log_target=True)
            loss = torch.lerp(loss, soft, recipe.teacher.weight)
        state.optimizer.zero_grad()
        loss.backward()
        if recipe.clip:
            clip_gradients(state.network, recipe.clip)
        state.optimizer.step()
        state.average.update_parameters(state.network)
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


def clip_gradients(network: nn.Module, share: float) -> None:
    """Shorten each tensor's gradient to at most `share` of the tensor's own length, in place."""
    for tensor in network.parameters():
        if tensor.grad is not None:
            most = share * tensor.detach().norm().clamp(min=SHORTEST)
            tensor.grad *= (most / tensor.grad.norm().clamp(min=1e-12)).clamp(max=1)


def balance(labels: Tensor, classes: int) -> Tensor:
    """A weight per class, (classes,), so that all classes count the same; the mean over images is 1."""
    return len(labels) / (classes * torch.bincount(labels, minlength=classes).clamp(min=1))
