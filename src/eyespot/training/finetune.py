"""A network that was trained before, on new classes: a new last layer, then, if asked, all layers.

The features in front of the last layer are frozen, so they are computed once for each image and its
mirror image, and kept; the layer on them is a multinomial logistic regression.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor, nn

from eyespot.artifacts.atomic import digest, write
from eyespot.networks.layers import placed
from eyespot.preprocessing.spec import Preprocessing
from eyespot.progress import track
from eyespot.training import augment
from eyespot.training.checkpoint import Run, kept_tensors
from eyespot.training.data import Data
from eyespot.training.loop import Report, arithmetic, balance, fit
from eyespot.training.norms import unfold_norms
from eyespot.zoo.cards import Augmentation, Recipe

STRENGTHS = (1e-3, 1e-2, 1e-1, 0.3)  # of the last layer's weight decay
CACHE = "features.safetensors"
BATCH = 50
STATISTICS = 200  # images that tell the statistics of norms which were published folded

# No mirroring: left and right may be all that the user's classes differ in.
RECIPE = Recipe(
    epochs=8, batch=32, peak=0.01, warmup=0.1, momentum=0.9, weight_decay=1e-4, averaging=0.99,
    label_smoothing=0.1, frozen_norms=True, balanced=True,
    clip=0.02,  # folded weights of others: the gradients of some layers are a hundred times too long
    augmentation=Augmentation(rotation=10.0, zoom=0.15, exposure=0.2, jpeg=0.2),
)  # fmt: skip


def own_input(spec: Preprocessing) -> Preprocessing:
    """As the published input, but with all of the central square: owners frame their own pictures."""
    return replace(spec, crop=spec.crop and 1.0)


def tune(
    network: nn.Module, data: Data, run: Run, folder: Path, report: Report, *, classes: int, unfreeze: bool
) -> nn.Module:
    """Fit a new last layer of `classes`, and with `unfreeze` then train all layers by the run's recipe.

    Repeating the call continues: features are kept, and training has its checkpoint.
    """
    network = network.to(memory_format=torch.channels_last).eval()
    replace_last_layer(network, fit_last_layer(features(network, data, run, folder / CACHE), data, classes))
    if not unfreeze:
        return network
    some = data.images[:STATISTICS].permute(0, 3, 1, 2)
    unfold_norms(network, augment.ready(some, run.preprocessing))
    return fit(network, data, run, folder, report)


def features(network: nn.Module, data: Data, run: Run, path: Path) -> dict[str, Tensor]:
    """What the last layer sees of `training` images, `mirrored` ones and `validation` images, (n, width).

    Read from `path` if they are kept there for the same images and weights.
    """
    spec = run.preprocessing
    key = digest(repr((run.model, run.data, data.validation_digest, run.start, spec)).encode())
    if kept := kept_tensors(path, key):
        return kept
    seen = {
        "training": _seen(network, data.images, spec, "features"),
        "mirrored": _seen(network, data.images, spec, "features, mirrored", mirrored=True),
        "validation": _seen(network, data.validation_images, spec, "features, validation"),
    }
    write(path, save(seen, {"key": key}))
    return seen


def _seen(
    network: nn.Module, images: Tensor, spec: Preprocessing, title: str, *, mirrored: bool = False
) -> Tensor:
    """What the last layer of a network in evaluation mode is given for each image, (n, width)."""
    seen: list[Tensor] = []
    hook = placed(network, nn.Linear)[-1][2].register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].flatten(1))
    )
    batches = images.permute(0, 3, 1, 2).split(BATCH)
    with torch.inference_mode(), arithmetic(RECIPE):
        for batch in track(batches, len(batches), title):
            network(augment.ready(batch.flip(3) if mirrored else batch, spec))
    hook.remove()
    return torch.cat(seen).float().clone()


def fit_last_layer(seen: dict[str, Tensor], data: Data, classes: int) -> tuple[Tensor, Tensor]:
    """Weights (classes, width) and bias: those that validate best, of several weight decays.

    Mirror images train too, unless that validates worse: left and right may be all that classes differ in.
    """
    both = torch.cat([seen["training"], seen["mirrored"]])
    layers = [
        _regress(x, data.labels.repeat(len(x) // len(data.labels)), classes, strength)
        for x in (seen["training"], both)
        for strength in STRENGTHS
    ]
    called = [F.linear(seen["validation"], *layer).argmax(1) for layer in layers]
    right = [int((each == data.validation_labels).sum()) for each in called]
    return layers[max(range(len(layers)), key=lambda i: (right[i], i))]  # of equals the last


def _regress(x: Tensor, labels: Tensor, classes: int, strength: float) -> tuple[Tensor, Tensor]:
    """Multinomial logistic regression with classes of equal weight, on standardised features."""
    mean, std = x.mean(0), x.std(0) + 1e-6
    x, weights = (x - mean) / std, balance(labels, classes)
    w = torch.zeros(classes, x.shape[1], requires_grad=True)
    b = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([w, b], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(F.linear(x, w, b), labels, weights) + strength / 2 * w.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    scaled = w.detach() / std
    return scaled, b.detach() - scaled @ mean


def replace_last_layer(network: nn.Module, layer: tuple[Tensor, Tensor]) -> None:
    """Put a dense layer with these weights in the place of the network's last, in place."""
    parent, name, old = placed(network, nn.Linear)[-1]
    new = type(old)(old.in_features, len(layer[1]))
    with torch.no_grad():
        new.weight.copy_(layer[0])
        new.bias.copy_(layer[1])
    setattr(parent, name, new)
