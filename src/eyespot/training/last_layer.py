"""A new last layer for a network whose other layers stay: a multinomial logistic regression on their features.

The features are computed once for each image and its mirror image, and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyespot.artifacts.atomic import digest
from eyespot.networks.layers import placed
from eyespot.preprocessing.spec import Preprocessing
from eyespot.progress import track
from eyespot.training import augment, ranks
from eyespot.training.checkpoint import Run, cached
from eyespot.training.data import Data, Images
from eyespot.training.loop import arithmetic, balance, chunks, device_of, reused_memory
from eyespot.training.norms import without_norms
from eyespot.zoo.cards import Recipe

STRENGTHS = (1e-3, 1e-2, 1e-1, 0.3)  # of the weight decay
CACHE = "features.safetensors"

Layer = dict[str, Tensor]


def fit_last_layer(network: nn.Module, data: Data, run: Run, folder: Path, classes: int) -> None:
    """Replace the last layer of a network in evaluation mode, in place, by one for these classes.

    Mirror images train too, unless that validates worse: classes may differ only in left and right.
    """
    seen = features(network, data, run, folder / CACHE)
    both = torch.cat([seen["training"], seen["mirrored"]])
    layers = [
        regress(x, data.labels.repeat(len(x) // len(data.labels)), classes, strength)
        for x in (seen["training"], both)
        for strength in STRENGTHS
    ]
    parent, place, old = placed(network, nn.Linear)[-1]
    new = type(old)(old.in_features, classes)
    new.load_state_dict(best(layers, seen["validation"], data.validation_labels))
    setattr(parent, place, new.to(device_of(network)))


def features(network: nn.Module, data: Data, run: Run, path: Path) -> dict[str, Tensor]:
    """The last layer's input (n, width) for training, mirrored and validation images, cached in `path`."""
    spec, recipe = run.preprocessing, run.recipe
    key = digest(repr((run.model, run.data, run.start, spec, recipe.bfloat16)).encode() + data.validated)

    def compute() -> dict[str, Tensor]:
        bare = without_norms(network)
        return {
            "training": ranks.together(seen, bare, data.images, spec, recipe, "features"),
            "mirrored": ranks.together(seen, bare, data.images, spec, recipe, "features, mirrored", True),
            "validation": ranks.together(seen, bare, data.validation_images, spec, recipe, "features, validation"),
        }

    return cached(path, key, compute)


def seen(
    network: nn.Module, images: Images, spec: Preprocessing, recipe: Recipe, title: str, mirrored: bool = False
) -> Tensor:
    """The input of the last layer of a network in evaluation mode for each image, (n, width)."""
    found: list[Tensor] = []
    device = device_of(network)
    hook = placed(network, nn.Linear)[-1][2].register_forward_pre_hook(
        lambda _, inputs: found.append(inputs[0].flatten(1).cpu())
    )
    batches = chunks(images, spec)[ranks.part()]
    with torch.inference_mode(), arithmetic(recipe, device), reused_memory():
        for indices in track(batches, len(batches), title):
            batch = images[indices].permute(0, 3, 1, 2)
            network(augment.ready(batch.flip(3) if mirrored else batch, spec).to(device))
    hook.remove()
    return ranks.gathered(found).float().clone()


def best(layers: Sequence[Layer], x: Tensor, labels: Tensor) -> Layer:
    """The layer that answers most often correctly; of equals the last."""
    correct = [int((F.linear(x, **layer).argmax(1) == labels).sum()) for layer in layers]
    return layers[max(range(len(layers)), key=lambda i: (correct[i], i))]


def regress(x: Tensor, labels: Tensor, classes: int, strength: float) -> Layer:
    """Multinomial logistic regression on standardised (n, width), all classes of equal weight.

    Returns `weight` (classes, width) and `bias` (classes,).
    """
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
    return {"weight": scaled, "bias": b.detach() - scaled @ mean}
