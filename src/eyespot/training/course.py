"""A network from random weights to trained ones, by its card's recipe; its teacher first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from eyespot import registry
from eyespot.cards import Model, Recipe
from eyespot.networks.layers import initialise
from eyespot.progress import track
from eyespot.training.checkpoint import Epoch, Run
from eyespot.training.data import Data, Loaded
from eyespot.training.distil import taught
from eyespot.training.loop import Taught, fit

TEACHER = "teacher"

Report = Callable[[list[Epoch], Path], None]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained network and what became of it, epoch by epoch."""

    network: nn.Module
    history: tuple[Epoch, ...]


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
    network = registry.imported(card.network)(len(registry.dataset(card.data).classes))
    run = Run(model=card.name, data=loaded.digest, seed=seed, recipe=recipe)
    answers = _teacher(card, loaded.data, run, (teacher or folder) / TEACHER, report)
    return train_from(network, loaded.data, run, card, folder, report, answers)


def train_from(
    network: nn.Module,
    data: Data,
    run: Run,
    card: Model,
    folder: Path,
    report: Report,
    answers: Taught | None = None,
) -> Trained:
    """Train a network to the end of the run's recipe; random weights where the run begins with none."""
    if not run.start:
        initialise(network, run.seed)
    told: list[Epoch] = []

    def note(history: list[Epoch]) -> None:
        told[:] = history
        report(history, folder)

    network = fit(network, data, run, card.input, folder, track, note, answers)
    return Trained(network=network, history=tuple(told))


def _teacher(card: Model, data: Data, run: Run, folder: Path, report: Report) -> Taught | None:
    """The answers of the recipe's teacher, whose members are trained in `folder` where they are not yet."""
    asked = run.recipe.teacher
    if asked is None:
        return None
    members, classes = [], len(registry.dataset(card.data).classes)
    for seed in range(asked.members):  # whatever the student's: one teacher for all
        network = registry.imported(asked.network)(card.input.channels, classes)
        own = replace(run, model=f"{run.model}'s teacher", recipe=asked.recipe, seed=seed)
        members.append(train_from(network, data, own, card, folder / str(seed), report).network)
    return taught(members, data.images, run, card.input, folder, track)
