"""A network from random weights to trained ones, by its card's recipe; its teacher first."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from torch import nn

from eyespot.data import catalogue
from eyespot.errors import MissingDataError
from eyespot.preprocessing.spec import Contract
from eyespot.training.checkpoint import NAME, Run
from eyespot.training.data import Data, load
from eyespot.training.distil import taught
from eyespot.training.finish import Trained
from eyespot.training.loop import Report, Taught, fit
from eyespot.zoo import registry
from eyespot.zoo.cards import Model

TEACHER = "teacher"


def train(
    card: Model, folder: Path, report: Report, *, epochs: int | None, seed: int, teacher: Path | None
) -> Trained:
    """Train the card's network on its own data set; `report` and `teacher` as for `by_recipe`.

    MissingDataError if that teacher was not trained.
    """
    assert card.recipe is not None  # noqa: S101 (the verb refuses a card without one)
    recipe = replace(card.recipe, epochs=epochs or card.recipe.epochs)
    for member in range(recipe.teacher.members if recipe.teacher and teacher else 0):
        kept = (teacher or folder) / TEACHER / str(member) / NAME
        if not kept.is_file():
            raise MissingDataError(f"{teacher}: no run whose teacher was trained; expected {kept}")
    owner = catalogue.dataset(card.data)
    data = load(owner, card.preprocessing)
    run = Run(model=card.name, data=data.digest, seed=seed, recipe=recipe, preprocessing=card.preprocessing)
    network = by_recipe(card, data, run, folder, report, teacher)
    contract = Contract(model=card.name, preprocessing=card.preprocessing, classes=owner.classes)
    how = {"seed": seed, "recipe": asdict(recipe)}
    return Trained(network=network, contract=contract, data=data, arguments=how)


def by_recipe(
    card: Model, data: Data, run: Run, folder: Path, report: Report, teacher: Path | None = None
) -> nn.Module:
    """Train, or go on where an earlier call with the same arguments was stopped.

    `report(history, folder)` is called after each epoch, the teacher's too. `teacher` is the folder of
    an earlier run whose teacher is used.
    """
    network = registry.imported(card.network)(len(catalogue.dataset(card.data).classes))
    answers = _teacher(card, data, run, (teacher or folder) / TEACHER, report)
    return fit(network, data, run, folder, report, answers)


def _teacher(card: Model, data: Data, run: Run, folder: Path, report: Report) -> Taught | None:
    """The answers of the recipe's teacher, whose members are trained in `folder` where they are not yet."""
    asked = run.recipe.teacher
    if asked is None:
        return None
    members, classes = [], len(catalogue.dataset(card.data).classes)
    for seed in range(asked.members):  # whatever the student's: one teacher for all
        network = registry.imported(asked.network)(card.preprocessing.channels, classes)
        own = replace(run, model=f"{run.model}'s teacher", recipe=asked.recipe, seed=seed)
        members.append(fit(network, data, own, folder / str(seed), report))
    return taught(members, data.images, run, folder)
