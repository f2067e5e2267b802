"""The plain training loop."""

from __future__ import annotations

import contextlib
import ctypes
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from eyespot.errors import RefusedError
from eyespot.networks.layers import initialise
from eyespot.preprocessing.spec import Preprocessing
from eyespot.progress import track
from eyespot.training import augment, ranks
from eyespot.training.checkpoint import Run, State, resume, save_checkpoint
from eyespot.training.data import Data, Images
from eyespot.training.norms import add_norms, fold_norms
from eyespot.training.orthogonal import Orthogonal
from eyespot.training.outcome import Epoch
from eyespot.training.whole_batch import whole_batch
from eyespot.zoo.cards import Recipe

AT_ONCE, PIXELS = 200, 16 * 224 * 224  # images classified at once: so many, with so many pixels in all
TRAINED = 8 * 224 * 224  # pixels whose gradients are computed at once, where a batch can be divided
TRIM_THRESHOLD, MMAP_MAX = -1, -4  # of glibc's malloc.h
GLIBC = 65_536, 128 * 1024  # its own settings: blocks from the system, and free bytes that it keeps
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
    ranks.check_batch(min(recipe.batch, len(data.images)))
    for epoch in range(len(history), recipe.epochs):
        started = time.monotonic()
        rates = [learning_rate(epoch * steps + i, recipe.epochs * steps, recipe) for i in range(steps)]
        title = f"epoch {epoch + 1}"
        if history:
            title += f", validation {history[-1].validation_top1:.4f}, loss {history[-1].loss:.3f}"
            title += f", {history[-1].images_per_second:,.0f} images/s"
        lesson = taught and taught(epoch)
        loss = ranks.together(_epoch, state, data.images, data.labels, lesson, run, epoch, rates, title)
        speed = steps * recipe.batch / (time.monotonic() - started)
        found = ranks.together(answers, state.average.module, data.validation_images, spec)
        correct = found.argmax(1) == data.validation_labels
        entry = Epoch(
            epoch=epoch + 1, learning_rate=rates[-1], loss=loss,
            validation_top1=float(correct.float().mean()), images_per_second=speed,
        )  # fmt: skip
        history.append(entry)
        save_checkpoint(folder, run, state, history)
        report(history, folder)
    fold_norms(state.average.module)
    return state.average.module


def _epoch(
    state: State, images: Images, labels: Tensor, lesson: Tensor | None, run: Run, epoch: int, rates: list[float],
    title: str,
) -> float:  # fmt: skip
    """Train on the batches of an epoch, a learning rate for each; the mean loss."""
    torch.manual_seed(run.seed * 1_000_003 + epoch)  # of dropout, so that resumed runs repeat it
    batches = augment.epoch_batches(images, run.recipe, run.preprocessing, seed=run.seed, epoch=epoch)
    return train_epoch(state, track(zip(rates, batches, strict=True), len(rates), title), labels, lesson, run.recipe)


def begin(network: nn.Module, recipe: Recipe) -> State:
    """The state before the first step of a network with its first weights, which gets the recipe's norms."""
    if recipe.norms:
        add_norms(network)
    network = network.to(device_of(network), memory_format=torch.channels_last)
    average = AveragedModel(network, multi_avg_fn=partial(_move, recipe.averaging), use_buffers=True)
    return State(network=network, average=average, optimizer=_optimizer(network, recipe))


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    settings = {"lr": recipe.peak, "momentum": recipe.momentum, "weight_decay": recipe.weight_decay, "nesterov": True}
    if recipe.orthogonal:
        return Orthogonal(network, recipe.orthogonal, **settings)
    return torch.optim.SGD(network.parameters(), **settings)


def _move(share: float, *tensors: Any) -> None:
    """The averaged tensors towards the present ones; as a function of the module it can be pickled."""
    get_ema_multi_avg_fn(share)(*tensors)


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


@contextlib.contextmanager
def reused_memory() -> Iterator[None]:
    """Keep freed memory in this process. To get large blocks from Linux again and again takes a third of the time."""
    _keep_freed(0, 2**31 - 1)
    try:
        yield
    finally:
        _keep_freed(*GLIBC)


def _keep_freed(maps: int, most: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):  # not glibc
            libc = ctypes.CDLL(None)
            libc.mallopt(MMAP_MAX, maps)
            libc.mallopt(TRIM_THRESHOLD, most)
            libc.malloc_trim(0)


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """One cycle: linearly up to the peak during the warm-up, then down; never zero."""
    top = max(1.0, recipe.warmup * steps)
    return recipe.peak * min((step + 1) / top, (steps - step) / (steps + 1 - top))


def answers(network: nn.Module, images: Images, spec: Preprocessing) -> Tensor:
    """Class probabilities (n, classes) of (n, h, w, c) uint8 images, in evaluation mode and float32."""
    network.eval()
    device, own = device_of(network), chunks(images, spec)[ranks.part()]
    with torch.inference_mode(), reused_memory():
        batches = (augment.ready(images[each].permute(0, 3, 1, 2), spec).to(device) for each in own)
        return ranks.gathered([network(x).softmax(1).cpu() for x in batches])


def chunks(images: Images, spec: Preprocessing) -> tuple[Tensor, ...]:
    """The indices of images in parts that are classified at once."""
    parts = torch.arange(len(images)).split(min(AT_ONCE, max(1, PIXELS // (spec.height * spec.width))))
    return tuple(parts)


@reused_memory()
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
        state.optimizer.zero_grad()
        loss, seed = torch.zeros((), device=device), int(torch.randint(2**62, ()))
        own = torch.arange(len(indices))[ranks.part()]
        for rows, piece in zip(*_pieces(own, x, recipe), strict=True):
            torch.manual_seed(seed)  # dropout draws for the whole batch and takes the rows of the piece
            with arithmetic(recipe, device), whole_batch(len(indices), rows):
                logits = state.network(piece.to(device))
            part = _loss(logits.float(), labels, lesson, indices, rows, weights, recipe)
            part.backward()
            loss += part.detach()
        ranks.total_gradients(state.network)
        if recipe.clip:
            clip_gradients(state.network, recipe.clip)
        state.optimizer.step()
        state.average.update_parameters(state.network)
        losses.append(loss)
    return float(ranks.total(torch.stack(losses)).mean())


def _pieces(rows: Tensor, x: Tensor, recipe: Recipe) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Rows of a batch and their images in pieces whose gradients add up to the batch's, if its norms are frozen.

    Memory is for one piece. Norms that are trained need all images at once.
    """
    most = max(1, TRAINED // (x.shape[2] * x.shape[3])) if recipe.frozen_norms else len(rows)
    return rows.split(most), x.split(most)


def _loss(
    logits: Tensor, labels: Tensor, lesson: Tensor | None, indices: Tensor, rows: Tensor, weights: Tensor | None,
    recipe: Recipe,
) -> Tensor:  # fmt: skip
    """The part of the batch's mean loss that is of these rows of it."""
    own = indices[rows]
    loss = F.cross_entropy(logits, labels[own].to(logits.device), weights, label_smoothing=recipe.label_smoothing)
    loss = loss * _share(labels, own, indices, weights)
    if lesson is None or not recipe.teacher:
        return loss
    t = recipe.teacher.temperature  # mixed with the divergence from the softened lesson
    ours, theirs = (F.log_softmax(x / t, 1) for x in (logits, lesson[own].to(logits.device).float()))
    soft = t * t * F.kl_div(ours, theirs, reduction="batchmean", log_target=True)
    return torch.lerp(loss, soft * _share(labels, own, indices, None), recipe.teacher.weight)


def _share(labels: Tensor, own: Tensor, whole: Tensor, weights: Tensor | None) -> float:
    """How much of the mean over a whole batch its own images are: their part of the sum of weights."""
    if len(own) == len(whole) or weights is None:
        return len(own) / len(whole)
    ours, all_of_them = (weights.cpu()[labels[each]].double().sum() for each in (own, whole))
    return float(ours / all_of_them)


def clip_gradients(network: nn.Module, share: float) -> None:
    """Shorten each tensor's gradient to at most `share` of the tensor's own length, in place."""
    for tensor in network.parameters():
        if tensor.grad is not None:
            most = share * tensor.detach().norm().clamp(min=SHORTEST)
            tensor.grad *= (most / tensor.grad.norm().clamp(min=1e-12)).clamp(max=1)


def balance(labels: Tensor, classes: int) -> Tensor:
    """A weight per class, (classes,), so that all classes count the same; the mean over images is 1."""
    return len(labels) / (classes * torch.bincount(labels, minlength=classes).clamp(min=1))
