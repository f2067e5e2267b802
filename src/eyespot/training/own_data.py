"""A published or shipped network, fine-tuned on a folder of the user's or on another data set."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from eyespot.artifacts.atomic import digest_file
from eyespot.data import catalogue, manifest
from eyespot.data.manifest import PARTS, Manifest
from eyespot.errors import BadFileError, MissingDataError
from eyespot.preprocessing.spec import Contract
from eyespot.training.checkpoint import Run
from eyespot.training.data import Data, load
from eyespot.training.finetune import RECIPE, own_input, tune
from eyespot.training.finish import Trained
from eyespot.training.loop import Report
from eyespot.weights import published
from eyespot.zoo import registry
from eyespot.zoo.cards import Dataset, Model

LEAST = 5  # images of a class


def train(
    card: Model, owner: Dataset, folder: Path, report: Report, *, weights: str | None = None,
    epochs: int | None = None, seed: int = 0, unfreeze: bool = False,
) -> Trained:  # fmt: skip
    """Fit the card's network to the classes of `owner`: the last layer, or with `unfreeze` all of them.

    `weights` names the published ones to begin with. Images of a folder stay in the parts that an earlier
    run gave them. BadFileError for data that cannot be learnt from.
    """
    _check_classes(owner)
    parts = manifest.decide(owner, manifest.load(folder)) if owner.root else Manifest(data=owner.name)
    owner = parts.divided(owner) if owner.root else owner
    name, path, importer = _start(card, weights)
    network = registry.imported(card.network)(len(catalogue.dataset(card.data).classes))
    registry.imported(importer)(network, path)
    recipe, spec = replace(RECIPE, epochs=epochs or RECIPE.epochs), own_input(card.preprocessing)
    data = load(owner, spec)
    _check_parts(owner, data)
    run = Run(
        model=card.name, data=data.digest, seed=seed, recipe=recipe, preprocessing=spec,
        start=digest_file(path),
    )  # fmt: skip
    how: dict[str, Any] = {"weights": name, "data": owner.title, "unfreeze": unfreeze, "seed": seed}
    network = tune(network, data, run, folder, report, classes=len(owner.classes), unfreeze=unfreeze)
    contract = Contract(model=card.name, preprocessing=spec, classes=owner.classes)
    how |= {"recipe": asdict(recipe)} if unfreeze else {}
    return Trained(network=network, contract=contract, data=data, arguments=how, start=run.start, parts=parts)


def _check_classes(owner: Dataset) -> None:
    """BadFileError for fewer than two classes, unnamed ones and ones with too few images to learn from."""
    if len(owner.classes) < 2:
        found = owner.classes[0] if owner.classes else "none that has a name (classes.txt)"
        raise BadFileError(f"{owner.name}: expected two classes or more, found {found}")
    counts = Counter(each.label for each in owner.files)
    few = [f"{name} ({counts[i]})" for i, name in enumerate(owner.classes) if counts[i] < LEAST]
    if owner.files and few:
        raise BadFileError(f"{owner.name}: {', '.join(few[:5])}: a class needs {LEAST} images; add some")


def _check_parts(owner: Dataset, data: Data) -> None:
    """BadFileError for a class of which nothing is left to train, to validate or to test on."""
    test = catalogue.open_split(owner, owner.test).labels
    for part, labels in zip(PARTS, (data.labels, data.validation_labels, test), strict=True):
        if absent := [name for i, name in enumerate(owner.classes) if i not in labels]:
            raise BadFileError(
                f"{owner.name}: no image of {', '.join(absent[:5])} is left for the {part} part (blank ones "
                "and copies of images in another part do not count); add some"
            )


def _start(card: Model, weights: str | None) -> tuple[str, Path, str]:
    """Name, file and importer of the weights to begin with: those that ship, or published ones."""
    if weights is None and registry.ships(card.name):
        shipped = registry.find(f"{card.name}:float32")
        return "shipped", shipped, "eyespot.weights.tflite_weights:load_layers"
    if not card.weights:
        raise MissingDataError(
            f"{card.name}: nobody publishes weights; eyespot train {card.name} comes first"
        )
    chosen = published.named(card, weights) if weights else card.weights[0]
    return chosen.name, published.locate(chosen), chosen.importer
