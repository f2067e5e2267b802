"""The plain training loop."""

from __future__ import annotations

import contextlib
import ctypes
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from eyespot.errors import RefusedError
from eyespot.networks.layers import initialise
from eyespot.preprocessing.spec import Preprocessing
from eyespot.progress import track
from eyespot.training import augment
from eyespot.training.checkpoint import Run, State, resume, save_checkpoint
from eyespot.training.data import Data, Images
from eyespot.training.norms import add_norms, fold_norms
from eyespot.training.outcome import Epoch
from eyespot.zoo.cards import Recipe

AT_ONCE, PIXELS = 200, 16 * 224 * 224  # images classified at once: so many, with so many pixels in all
TRIM_THRESHOLD, MMAP_MAX = -1, -4  # of glibc's malloc.h
SHORTEST = 1e-3  # the assumed length of shorter tensors, so that zeros can change

Report = Callable[[list[Epoch], Path], None]
Taught = Callable[[int], Tensor]
Batches = Iterable[tuple[float, tuple[Tensor, Tensor]]]  # each with its learning rate


def fit(
    network: nn.Module, data: Data, run: Run, folder: Path, report: Report, taught: Taught | None = None
) -> nn.Module:
    """Train to the end of the recipe, from the folder's checkpoint if any; returns the averaged network.

    The network starts with random weights, or with its own if the run has a `start`; it stays on its device.
    After each epoch the
    checkpoint is replaced and `report(history, folder)` is called. `taught` returns a teacher's logits for
    an epoch's views, (n, classes).
    """
    recipe, spec = run.recipe, run.preprocessing
    device = device_of(network)
    if not run.start:
        initialise(network.cpu(), run.seed)
    state = begin(network.to(device), recipe)
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
        loss = train_epoch(state, shown, data.labels, taught and taught(epoch), recipe)
        speed = steps * recipe.batch / (time.monotonic() - started)
        correct = answers(state.average, data.validation_images, spec).argmax(1) == data.validation_labels
        entry = Epoch(
            epoch=epoch + 1, learning_rate=rates[-1], loss=loss,
            validation_top1=float(correct.float().mean()), images_per_second=speed,
        )  # fmt: skip
        history.append(entry)
        save_checkpoint(folder, run, state, history)
        report(history, folder)
    fold_norms(state.average.module)
    return state.average.module


def begin(network: nn.Module, recipe: Recipe) -> State:
    """The state before the first step of a network with its first weights, which gets the recipe's norms."""
    if recipe.norms:
        add_norms(network)
    network = network.to(device_of(network), memory_format=torch.channels_last)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.averaging), use_buffers=True)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=recipe.peak, momentum=recipe.momentum, weight_decay=recipe.weight_decay,
        nesterov=True,
    )  # fmt: skip
    return State(network=network, average=average, optimizer=optimizer)


def use_device(name: str) -> torch.device:
    """A processor of this machine: cpu, cuda or mps. RefusedError if it is absent."""
    present = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if name in present and not present[name]():
        raise RefusedError(f"--device {name}: PyTorch {torch.__version__} finds none here; use --device cpu")
    torch.backends.cudnn.deterministic = True
    return torch.device(name)


def device_of(network: nn.Module) -> torch.device:
    """Where a network's weights are."""
    device: torch.device = next(network.parameters()).device
    return device


def use_threads(threads: int | None) -> None:
    """Set the number of threads; None changes nothing."""
    torch.set_num_threads(threads or torch.get_num_threads())


def arithmetic(recipe: Recipe, device: torch.device) -> torch.autocast:
    """Layers in bfloat16 if the recipe says so and the processor supports it."""
    kind = "cuda" if device.type == "cuda" else "cpu"
    able = {"cpu": torch.ops.mkldnn._is_mkldnn_bf16_supported, "cuda": torch.cuda.is_bf16_supported}
    enabled = recipe.bfloat16 and device.type == kind and able[kind]()
    return torch.autocast(kind, torch.bfloat16, enabled=enabled)


def reuse_memory() -> None:
    """Keep freed memory in this process. To get large blocks from Linux again and again takes half of the time."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):  # not glibc
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(MMAP_MAX, 0)
            mallopt(TRIM_THRESHOLD, 2**31 - 1)


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """One cycle: linearly up to the peak during the warm-up, then down; never zero."""
    top = max(1.0, recipe.warmup * steps)
    return recipe.peak * min((step + 1) / top, (steps - step) / (steps + 1 - top))


def answers(network: nn.Module, images: Images, spec: Preprocessing) -> Tensor:
    """Class probabilities (n, classes) of (n, h, w, c) uint8 images, in evaluation mode and float32."""
    network.eval()
    device = device_of(network)
    with torch.inference_mode():
        batches = (augment.ready(images[each].permute(0, 3, 1, 2), spec).to(device) for each in chunks(images, spec))
        return torch.cat([network(x).softmax(1).cpu() for x in batches])


def chunks(images: Images, spec: Preprocessing) -> tuple[Tensor, ...]:
    """The indices of images in parts that are classified at once."""
    parts = torch.arange(len(images)).split(min(AT_ONCE, max(1, PIXELS // (spec.height * spec.width))))
    return tuple(parts)


def train_epoch(state: State, batches: Batches, labels: Tensor, lesson: Tensor | None, recipe: Recipe) -> float:
    """Train on the batches of one epoch and return the mean loss; `lesson` is a teacher's logits."""
    device = device_of(state.network)
    weights = balance(labels, int(labels.max()) + 1).to(device) if recipe.balanced else None
    state.network.train()
    for module in state.network.modules():
        if recipe.frozen_norms and isinstance(module, nn.BatchNorm2d):
            module.eval()
    losses = []
    for rate, (indices, x) in batches:
        state.optimizer.param_groups[0]["lr"] = rate
        with arithmetic(recipe, device):
            logits = state.network(x.to(device))
        logits, truth = logits.float(), labels[indices].to(device)
        loss = F.cross_entropy(logits, truth, weights, label_smoothing=recipe.label_smoothing)
        if lesson is not None and recipe.teacher:  # mixed with the divergence from the softened lesson
            t = recipe.teacher.temperature
            ours, theirs = (F.log_softmax(x / t, 1) for x in (logits, lesson[indices].to(device).float()))
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
