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

CHUNK = 200  # images that are classified at once
SHORTEST = 1e-3  # a tensor of zeros may move as if it were so long

Report = Callable[[list[Epoch], Path], None]
Taught = Callable[[int], Tensor]
Batches = Iterable[tuple[float, tuple[Tensor, Tensor]]]  # each with its learning rate


def fit(
    network: nn.Module, data: Data, run: Run, folder: Path, report: Report, taught: Taught | None = None
) -> nn.Module:
    """Train to the end of the recipe, from the folder's checkpoint where there is one.

    The weights are random at first, unless the run begins with others, which the network then has. After
    each epoch the checkpoint is replaced and `report(history, folder)` is called. `taught` gives a teacher's
    answers to an epoch's views, (n, classes) logits. Returns the averaged network.
    """
    recipe, spec = run.recipe, run.preprocessing
    if not run.start:
        initialise(network, run.seed)
    network = add_norms(network) if recipe.norms else network
    network = network.to(memory_format=torch.channels_last)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.averaging), use_buffers=True)
    how = {"momentum": recipe.momentum, "weight_decay": recipe.weight_decay, "nesterov": True}
    optimizer = torch.optim.SGD(network.parameters(), lr=recipe.peak, **how)
    state = State(network=network, average=average, optimizer=optimizer)
    history = resume(folder, run, state)
    if history:
        report(history, folder)
    steps = len(data.images) // recipe.batch or 1
    for epoch in range(len(history), recipe.epochs):
        torch.manual_seed(run.seed * 1_000_003 + epoch)  # dropout's, so that a resumed run goes the same way
        started = time.monotonic()
        batches = augment.epoch_batches(data.images, recipe, spec, seed=run.seed, epoch=epoch)
        shown = track(batches, steps, _title(epoch, history))
        wanted = Wanted(data.labels, taught(epoch) if taught else None, recipe)
        rates = [learning_rate(epoch * steps + i, recipe.epochs * steps, recipe) for i in range(steps)]
        loss = _train_epoch(state, zip(rates, shown, strict=True), wanted, recipe)
        speed = steps * recipe.batch / (time.monotonic() - started)
        called = answers(average, data.validation_images, spec).argmax(1)
        top1 = float((called == data.validation_labels).float().mean())
        entry = Epoch(
            epoch=epoch + 1, learning_rate=rates[-1], loss=loss, validation_top1=top1, images_per_second=speed
        )
        history.append(entry)
        save_checkpoint(folder, run, state, history)
        report(history, folder)
    return fold_norms(average.module) if recipe.norms else average.module


def use_threads(threads: int | None) -> None:
    """Compute with so many threads from now on; None changes nothing."""
    torch.set_num_threads(threads or torch.get_num_threads())


def arithmetic(recipe: Recipe) -> torch.autocast:
    """Layers in bfloat16 if the recipe says so and the processor can: where it cannot, that is slow."""
    able = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16 and able)


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """One cycle: linearly up to the peak over the warm-up's share of all steps, then down; never zero."""
    top = max(1.0, recipe.warmup * steps)
    return recipe.peak * min((step + 1) / top, (steps - step) / (steps + 1 - top))


def answers(network: nn.Module, images: Tensor, spec: Preprocessing) -> Tensor:
    """Class probabilities (n, classes) of (n, h, w, c) uint8 images, in evaluation mode."""
    network.eval()
    with torch.inference_mode():
        given = (augment.ready(pixels.permute(0, 3, 1, 2), spec) for pixels in images.split(CHUNK))
        return torch.cat([network(x).softmax(1) for x in given])


class Wanted:
    """What the network should answer: the labels, and what a teacher answers where there is one."""

    def __init__(self, labels: Tensor, taught: Tensor | None, recipe: Recipe) -> None:
        self.labels, self.taught, self.recipe = labels, taught, recipe
        self.weights = balance(labels, int(labels.max()) + 1) if recipe.balanced else None

    def loss(self, logits: Tensor, chosen: Tensor) -> Tensor:
        """Cross entropy, mixed with the divergence from the teacher's softened answers."""
        smoothing, teacher = self.recipe.label_smoothing, self.recipe.teacher
        hard = F.cross_entropy(logits, self.labels[chosen], self.weights, label_smoothing=smoothing)
        if teacher is None or self.taught is None:
            return hard
        t = teacher.temperature
        ours, theirs = (F.log_softmax(x.float() / t, 1) for x in (logits, self.taught[chosen]))
        soft = t * t * F.kl_div(ours, theirs, reduction="batchmean", log_target=True)
        return torch.lerp(hard, soft, teacher.weight)


def _train_epoch(state: State, batches: Batches, wanted: Wanted, recipe: Recipe) -> float:
    """Train on the batches of one epoch; the mean loss."""
    state.network.train()
    for module in state.network.modules():
        if recipe.frozen_norms and isinstance(module, nn.BatchNorm2d):
            module.eval()
    losses = []
    for rate, (chosen, x) in batches:
        state.optimizer.param_groups[0]["lr"] = rate
        with arithmetic(recipe):
            logits = state.network(x)
        loss = wanted.loss(logits.float(), chosen)
        state.optimizer.zero_grad()
        loss.backward()
        if recipe.clip:
            clip_gradients(state.network, recipe.clip)
        state.optimizer.step()
        state.average.update_parameters(state.network)
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


def clip_gradients(network: nn.Module, share: float) -> None:
    """Shorten each tensor's gradient to `share` of the tensor's own length, in place."""
    for tensor in network.parameters():
        if tensor.grad is not None:
            most = share * tensor.detach().norm().clamp(min=SHORTEST)
            tensor.grad *= (most / tensor.grad.norm().clamp(min=1e-12)).clamp(max=1)


def balance(labels: Tensor, classes: int) -> Tensor:
    """A weight for each class, (classes,), so that all count the same; their mean over images is 1."""
    return len(labels) / (classes * torch.bincount(labels, minlength=classes).clamp(min=1))


def _title(epoch: int, history: list[Epoch]) -> str:
    """What the progress bar says in front of an epoch."""
    if not history:
        return "epoch 1"
    last = history[-1]
    score = f"validation {last.validation_top1:.4f}, loss {last.loss:.3f}"
    return f"epoch {epoch + 1}, {score}, {last.images_per_second:,.0f} images/s"
