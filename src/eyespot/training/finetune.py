"""A network that was trained before, fine-tuned on other classes: a new last layer alone, then all layers.

Of the two the one that is right on more validation images stays, unless the caller chooses.
"""

from __future__ import annotations

import copy
import shlex
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import nn

from eyespot.artifacts.atomic import digest_file
from eyespot.artifacts.measurements import Subset
from eyespot.conversion.engine import LOAD_TRAINED
from eyespot.data import catalogue, inspection, manifest
from eyespot.data.inspected import Inspection
from eyespot.data.manifest import PARTS, Manifest
from eyespot.errors import BadFileError, MissingDataError
from eyespot.evaluation.metrics import subset
from eyespot.preprocessing.spec import Preprocessing
from eyespot.progress import note
from eyespot.training import augment, earlier, plan, ranks
from eyespot.training.checkpoint import Run
from eyespot.training.data import Data, load
from eyespot.training.finish import Trained
from eyespot.training.grid import Fields, changed
from eyespot.training.last_layer import fit_last_layer
from eyespot.training.loop import Report, answers, chunks, fit, use_device
from eyespot.training.norms import unfold_norms
from eyespot.weights import hub, published
from eyespot.zoo import registry
from eyespot.zoo.cards import Augmentation, Dataset, Model, Recipe

Layers = Literal["auto", "last", "all"]

LEAST = 5  # images per class
MENDED = 5  # lines about what to mend
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
    epochs: int | None = None, seed: int = 0, layers: Layers = "auto", device: str = "cpu", force: bool = False,
    fields: Fields | None = None,
) -> Trained:  # fmt: skip
    """Fit the last layer of the card's network to the classes of `owner`, and all layers, as `layers` says.

    `weights` names published weights to start from, `fields` what differs from RECIPE. Images of a folder stay in
    the parts that an earlier run gave them. A repeated call continues: features are kept, and training has its
    checkpoint. BadFileError for data that cannot train a network, RefusedError for a folder with another run if
    not `force`.
    """
    _check_classes(owner)
    earlier.check_folder(folder, card.name, owner, force=force)
    where, start = use_device(device), _start(card, weights)
    parts, content, inspected = Manifest(data=owner.name), owner.digest, None
    if owner.root:
        note(f"{owner.title}: reads {len(owner.files):,} pictures of {len(owner.classes)} classes")
        parts = manifest.decide(owner, manifest.load(folder))
        owner, content = parts.divided(owner), parts.digest
        inspected = inspection.quick(owner)
        _say(owner, inspected)
    network = registry.imported(hub.network(card, start.architecture))(start.classes)
    registry.imported(start.importer)(network, start.path)
    recipe, spec = changed(RECIPE, epochs, fields), own_input(card.preprocessing)
    data = load(owner, spec, content)
    _check_parts(owner, data)
    run = Run(model=card.name, data=data.digest, seed=seed, recipe=recipe, preprocessing=spec)
    run = replace(run, start=digest_file(start.path))
    earlier.check_run(folder, run, force=force)
    network = network.to(where, memory_format=torch.channels_last).eval()
    plan.announce(network, data, run, layers, start.name)
    fit_last_layer(network, data, run, folder, len(owner.classes))
    chosen, tried, network = _choose(network, data, run, folder, report, layers)
    arguments: dict[str, Any] = {"weights": start.name, "data": owner.title, "layers": layers, "seed": seed}
    if start.revision:
        arguments["revision"] = start.revision
    if "all" in tried:
        arguments["recipe"] = asdict(recipe)
    return Trained(
        network=network, run=run, data=data, classes=owner.classes, arguments=arguments, parts=parts,
        layers=chosen, tried=tried, inspection=inspected, architecture=start.architecture,
    )  # fmt: skip


def _say(owner: Dataset, found: Inspection) -> None:
    """Name what to mend on stderr, a line each; broken files are an error that names them all."""
    for each in found.mend[:MENDED] if not found.broken else ():
        note(f"{owner.title}: {each}")
    if len(found.mend) > MENDED:
        note(f"{owner.title}: {len(found.mend) - MENDED} more: eyespot inspect {shlex.quote(owner.name)}")


def _choose(
    network: nn.Module, data: Data, run: Run, folder: Path, report: Report, layers: Layers
) -> tuple[str, dict[str, Subset], nn.Module]:
    """The layers to train, top-1 of each choice that was tried on the validation images, and the network.

    Of equals it is the last layer alone, so all layers are not tried where that makes no mistake.
    """
    networks, tried = {}, {}
    if layers != "all":
        networks["last"] = copy.deepcopy(network)
        tried["last"] = _validated(network, data, run)
    if layers == "all" or (layers == "auto" and tried["last"].top1 < 1):
        spec, shown = run.preprocessing, data.images[:STATISTICS]
        unfold_norms(network, (augment.ready(shown[each].permute(0, 3, 1, 2), spec) for each in chunks(shown, spec)))
        networks["all"] = fit(network, data, run, folder, report)
        tried["all"] = _validated(networks["all"], data, run)
    chosen = max(tried, key=lambda each: tried[each].correct)  # of equals the first
    return chosen, tried, networks[chosen]


def _validated(network: nn.Module, data: Data, run: Run) -> Subset:
    called = ranks.together(answers, network, data.validation_images, run.preprocessing).argmax(1)
    return subset((called == data.validation_labels).numpy())


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
    """BadFileError for a class without images left to train on, or for a part without any.

    A line on stderr for a class that a part had before copies were left out.
    """
    test = catalogue.open_split(owner, owner.test).labels
    for part, labels in zip(PARTS, (data.labels, data.validation_labels, test), strict=True):
        fatal = part == "train" or not len(labels)
        given = {each.label for each in owner.files if fatal or each.part == part}
        if absent := [name for i, name in enumerate(owner.classes) if i in given and i not in labels]:
            message = (
                f"{owner.name}: no image of {', '.join(absent[:5])} is left for the {part} part (blank ones "
                "and copies of images in another part do not count); add some"
            )
            if fatal:
                raise BadFileError(message)
            note(message)


class Start(NamedTuple):
    """The first weights: their name, file and importer, the classes of its last layer; of timm's what they are of."""

    name: str
    path: Path
    importer: str
    classes: int
    architecture: str = ""
    revision: str = ""


def _start(card: Model, weights: str | None) -> Start:
    """The shipped weights, published ones or those of somebody on the Hub."""
    classes = len(catalogue.dataset(card.data).classes)
    if weights is None and registry.ships(card.name):
        shipped = registry.find(f"{card.name}:float32")
        return Start("shipped", shipped, "eyespot.weights.tflite_weights:load_layers", classes)
    if weights and weights.startswith(hub.PREFIX):
        path, pin = hub.locate(card, weights)
        return Start(weights, path, LOAD_TRAINED, pin.classes, pin.architecture, pin.revision)
    if not card.weights:
        raise MissingDataError(f"{card.name}: has no published weights; first run: eyespot train {card.name}")
    first = published.named(card, weights) if weights else card.weights[0]
    return Start(first.name, published.locate(first), first.importer, classes)
