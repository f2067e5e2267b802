"""A network that was trained before, fine-tuned on other classes: a new last layer, then all layers if asked.

The layers before the last are frozen, so their features are computed once for each image and its mirror
image, and kept. The new layer on them is a multinomial logistic regression.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyespot.artifacts.atomic import digest, digest_file
from eyespot.data import catalogue, manifest
from eyespot.data.manifest import PARTS, Manifest
from eyespot.errors import BadFileError, MissingDataError
from eyespot.networks.layers import placed
from eyespot.preprocessing.spec import Preprocessing
from eyespot.progress import track
from eyespot.training import augment
from eyespot.training.checkpoint import Run, cached
from eyespot.training.data import Data, load
from eyespot.training.finish import Trained
from eyespot.training.loop import Report, arithmetic, balance, fit
from eyespot.training.norms import unfold_norms
from eyespot.weights import published
from eyespot.zoo import registry
from eyespot.zoo.cards import Augmentation, Dataset, Model, Recipe

LEAST = 5  # images per class
STRENGTHS = (1e-3, 1e-2, 1e-1, 0.3)  # of the last layer's weight decay
CACHE = "features.safetensors"
BATCH = 50
STATISTICS = 200  # images that restore the statistics of norms which were published folded

# No mirroring: the user's classes may differ only in left and right.
RECIPE = Recipe(
    epochs=8, batch=32, peak=0.01, warmup=0.1, momentum=0.9, weight_decay=1e-4, averaging=0.99,
    label_smoothing=0.1, frozen_norms=True, balanced=True,
    clip=0.02,  # published weights are folded: gradient scales differ a hundredfold
    augmentation=Augmentation(rotation=10.0, zoom=0.15, exposure=0.2, jpeg=0.2),
)  # fmt: skip


def train(
    card: Model, folder: Path, report: Report, *, owner: Dataset, weights: str | None = None,
    epochs: int | None = None, seed: int = 0, unfreeze: bool = False,
) -> Trained:  # fmt: skip
    """Fit the last layer of the card's network to the classes of `owner`, then all layers with `unfreeze`.

    `weights` names published weights to start from. Images of a folder stay in the parts that an earlier run
    gave them. A repeated call continues: features are kept, and training has its checkpoint. BadFileError for
    data that cannot train a network.
    """
    _check_classes(owner)
    parts = Manifest(data=owner.name)
    if owner.root:
        parts = manifest.decide(owner, manifest.load(folder))
        owner = parts.divided(owner)
    name, path, importer = _start(card, weights)
    network = registry.imported(card.network)(len(catalogue.dataset(card.data).classes))
    registry.imported(importer)(network, path)
    recipe, spec = replace(RECIPE, epochs=epochs or RECIPE.epochs), own_input(card.preprocessing)
    data = load(owner, spec)
    _check_parts(owner, data)
    run = Run(model=card.name, data=data.digest, seed=seed, recipe=recipe, preprocessing=spec)
    run = replace(run, start=digest_file(path))
    arguments: dict[str, Any] = {"weights": name, "data": owner.title, "unfreeze": unfreeze, "seed": seed}
    network = network.to(memory_format=torch.channels_last).eval()
    layer = fit_last_layer(features(network, data, run, folder / CACHE), data, len(owner.classes))
    parent, place, old = placed(network, nn.Linear)[-1]
    setattr(parent, place, type(old)(old.in_features, len(owner.classes)))
    getattr(parent, place).load_state_dict(layer)
    if unfreeze:
        arguments["recipe"] = asdict(recipe)
        unfold_norms(network, augment.ready(data.images[:STATISTICS].permute(0, 3, 1, 2), spec))
        network = fit(network, data, run, folder, report)
    return Trained(
        network=network, run=run, data=data, classes=owner.classes, arguments=arguments, parts=parts
    )


def own_input(spec: Preprocessing) -> Preprocessing:
    """The published input, but with the whole central square: users frame their own pictures."""
    return replace(spec, crop=spec.crop and 1.0)


def _check_classes(owner: Dataset) -> None:
    """BadFileError for fewer than two classes, unnamed ones and ones with too few images to learn from."""
    if len(owner.classes) < 2:
        classes = owner.classes[0] if owner.classes else "none that has a name (classes.txt)"
        raise BadFileError(f"{owner.name}: expected two classes or more, found {classes}")
    counts = Counter(each.label for each in owner.files)
    few = [f"{name} ({counts[i]})" for i, name in enumerate(owner.classes) if counts[i] < LEAST]
    if owner.files and few:
        raise BadFileError(f"{owner.name}: {', '.join(few[:5])}: a class needs {LEAST} images; add some")


def _check_parts(owner: Dataset, data: Data) -> None:
    """BadFileError for a class without images left to train, to validate or to test on."""
    test = catalogue.open_split(owner, owner.test).labels
    for part, labels in zip(PARTS, (data.labels, data.validation_labels, test), strict=True):
        if absent := [name for i, name in enumerate(owner.classes) if i not in labels]:
            raise BadFileError(
                f"{owner.name}: no image of {', '.join(absent[:5])} is left for the {part} part (blank ones "
                "and copies of images in another part do not count); add some"
            )


def _start(card: Model, weights: str | None) -> tuple[str, Path, str]:
    """Name, file and importer of the first weights: the shipped ones or published ones."""
    if weights is None and registry.ships(card.name):
        shipped = registry.find(f"{card.name}:float32")
        return "shipped", shipped, "eyespot.weights.tflite_weights:load_layers"
    if not card.weights:
        raise MissingDataError(f"{card.name}: has no published weights; first run: eyespot train {card.name}")
    first = published.named(card, weights) if weights else card.weights[0]
    return first.name, published.locate(first), first.importer


def features(network: nn.Module, data: Data, run: Run, path: Path) -> dict[str, Tensor]:
    """The last layer's input (n, width) for training, mirrored and validation images, cached in `path`."""
    spec = run.preprocessing
    key = digest(
        repr((run.model, run.data, run.start, spec)).encode() + data.validation_images.numpy().tobytes()
    )
    return cached(path, key, lambda: {
        "training": _seen(network, data.images, spec, "features"),
        "mirrored": _seen(network, data.images, spec, "features, mirrored", mirrored=True),
        "validation": _seen(network, data.validation_images, spec, "features, validation"),
    })  # fmt: skip


def _seen(
    network: nn.Module, images: Tensor, spec: Preprocessing, title: str, *, mirrored: bool = False
) -> Tensor:
    """The input of the last layer of a network in evaluation mode for each image, (n, width)."""
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


def fit_last_layer(seen: dict[str, Tensor], data: Data, classes: int) -> dict[str, Tensor]:
    """`weight` (classes, width) and `bias`: those of several weight decays that validate best.

    Mirror images train too, unless that validates worse: classes may differ only in left and right.
    """
    both = torch.cat([seen["training"], seen["mirrored"]])
    layers = [
        _regress(x, data.labels.repeat(len(x) // len(data.labels)), classes, strength)
        for x in (seen["training"], both)
        for strength in STRENGTHS
    ]
    answers = [F.linear(seen["validation"], **layer).argmax(1) for layer in layers]
    correct = [int((each == data.validation_labels).sum()) for each in answers]
    return layers[max(range(len(layers)), key=lambda i: (correct[i], i))]  # of equals the last


def _regress(x: Tensor, labels: Tensor, classes: int, strength: float) -> dict[str, Tensor]:
    """Multinomial logistic regression on standardised features, all classes of equal weight."""
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
