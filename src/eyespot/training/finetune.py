"""A network that was trained before, on new classes: a new last layer, then, if asked, all layers.

The features in front of the last layer are frozen, so they are computed once for each image and its
mirror image, and kept; the layer on them is a multinomial logistic regression.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from eyespot.training.data import Data, Loaded
from eyespot.training.loop import Report, Trained, arithmetic, balance, fit
from eyespot.training.norms import unfold_norms
from eyespot.zoo.cards import Augmentation, Model, Recipe

STRENGTHS = (1e-3, 1e-2, 1e-1, 0.3)  # of the last layer's weight decay
CACHE = "features.safetensors"
BATCH = 50
STATISTICS = 200  # images that tell the statistics of norms which were published folded

# No mirroring: left and right may be all that the user's classes differ in.
RECIPE = Recipe(
    epochs=8,
    batch=32,
    peak=0.01,
    warmup=0.1,
    momentum=0.9,
    weight_decay=1e-4,
    averaging=0.99,
    label_smoothing=0.1,
    augmentation=Augmentation(rotation=10.0, zoom=0.15, exposure=0.2, jpeg=0.2),
    frozen_norms=True,
    clip=0.02,  # folded weights of others: some layers' gradients are a hundred times too long
    balanced=True,
)


@dataclass(frozen=True, kw_only=True)
class Features:
    """What the last layer sees of training images, their mirror images and validation images: (n, width)."""

    training: Tensor
    mirrored: Tensor
    validation: Tensor


def own_input(spec: Preprocessing) -> Preprocessing:
    """As the published input, but with all of the central square: owners frame their own pictures."""
    return replace(spec, crop=spec.crop and 1.0)


def tune(
    card: Model,
    network: nn.Module,
    loaded: Loaded,
    recipe: Recipe,
    folder: Path,
    report: Report,
    *,
    classes: int,
    start: str,
    seed: int,
    unfreeze: bool,
) -> Trained:
    """Fit a new last layer of `classes`, and with `unfreeze` then train all layers by the recipe.

    `start` is the digest of the network's weights. Repeating the call continues: features are kept,
    and training has its checkpoint.
    """
    run = Run(model=card.name, data=loaded.digest, seed=seed, recipe=recipe, start=start)
    found = features(network, loaded, run, card.preprocessing, folder / CACHE)
    replace_last_layer(network, fit_last_layer(found, loaded.data, classes))
    if not unfreeze:
        return Trained(network=network.eval(), history=())
    some = loaded.data.images[:STATISTICS].permute(0, 3, 1, 2)
    unfold_norms(network, augment.ready(some, card.preprocessing))
    return fit(network, loaded.data, run, card.preprocessing, folder, report)


def features(network: nn.Module, loaded: Loaded, run: Run, spec: Preprocessing, path: Path) -> Features:
    """The frozen features, read from `path` where they are kept for the same images and weights."""
    key = digest(repr((run.model, run.data, loaded.validation_digest, run.start, spec)).encode())
    if kept := kept_tensors(path, key):
        return Features(**kept)
    data = loaded.data
    seen = {
        "training": _seen(network, data.images, spec, "features"),
        "mirrored": _seen(network, data.images, spec, "features, mirrored", mirrored=True),
        "validation": _seen(network, data.validation_images, spec, "features, validation"),
    }
    write(path, save(seen, {"key": key}))
    return Features(**seen)


def _seen(
    network: nn.Module, images: Tensor, spec: Preprocessing, title: str, *, mirrored: bool = False
) -> Tensor:
    """What the last layer is given for each image, (n, width)."""
    network = network.to(memory_format=torch.channels_last).eval()
    seen: list[Tensor] = []
    hook = placed(network, nn.Linear)[-1][2].register_forward_pre_hook(
        lambda _, given: seen.append(given[0].flatten(1))
    )
    batches = images.permute(0, 3, 1, 2).split(BATCH)
    with torch.inference_mode(), arithmetic(RECIPE):
        for batch in track(batches, len(batches), title):
            network(augment.ready(batch.flip(3) if mirrored else batch, spec))
    hook.remove()
    return torch.cat(seen).float().clone()


def fit_last_layer(found: Features, data: Data, classes: int) -> tuple[Tensor, Tensor]:
    """Weights (classes, width) and bias: those that validate best, of several weight decays.

    Mirror images train too, unless that validates worse: left and right may be all that classes differ in.
    """
    both = torch.cat([found.training, found.mirrored])
    layers = [
        _regress(x, data.labels.repeat(len(x) // len(data.labels)), classes, strength)
        for x in (found.training, both)
        for strength in STRENGTHS
    ]
    right = [
        int((F.linear(found.validation, *layer).argmax(1) == data.validation_labels).sum())
        for layer in layers
    ]
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
    made = type(old)(old.in_features, len(layer[1]))
    with torch.no_grad():
        made.weight.copy_(layer[0])
        made.bias.copy_(layer[1])
    setattr(parent, name, made)
