"""A network from random weights to trained ones, by its card's recipe; its teacher first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from eyespot.data import catalogue
from eyespot.training.checkpoint import Run
from eyespot.training.data import Data, Loaded
from eyespot.training.distil import taught
from eyespot.training.loop import Report, Taught, Trained, fit
from eyespot.zoo import registry
from eyespot.zoo.cards import Model, Recipe

TEACHER = "teacher"


def by_recipe(
    card: Model,
    loaded: Loaded,
    recipe: Recipe,
    folder: Path,
    report: Report,
    *,
    seed: int,
    teacher: Path | None,
) -> Trained:
    """Train, or go on where an earlier call with the same arguments was stopped.

    `report(history, folder)` is called after each epoch, the teacher's too. `teacher` is the folder of
    an earlier run whose teacher will do.
    """
    network = registry.imported(card.network)(len(catalogue.dataset(card.data).classes))
    run = Run(model=card.name, data=loaded.digest, seed=seed, recipe=recipe)
    answers = _teacher(card, loaded.data, run, (teacher or folder) / TEACHER, report)
    return fit(network, loaded.data, run, card.preprocessing, folder, report, answers)


def _teacher(card: Model, data: Data, run: Run, folder: Path, report: Report) -> Taught | None:
    """The answers of the recipe's teacher, whose members are trained in `folder` where they are not yet."""
    asked = run.recipe.teacher
    if asked is None:
        return None
    members, classes = [], len(catalogue.dataset(card.data).classes)
    for seed in range(asked.members):  # whatever the student's: one teacher for all
        network = registry.imported(asked.network)(card.preprocessing.channels, classes)
        own = replace(run, model=f"{run.model}'s teacher", recipe=asked.recipe, seed=seed)
        members.append(fit(network, data, own, card.preprocessing, folder / str(seed), report).network)
    return taught(members, data.images, run, card.preprocessing, folder)
