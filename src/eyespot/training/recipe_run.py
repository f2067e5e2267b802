"""A network trained from random weights by its card's recipe; its teacher first, if it has one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from eyespot.artifacts.atomic import digest
from eyespot.data import catalogue
from eyespot.errors import MissingDataError
from eyespot.progress import track
from eyespot.training import augment, earlier, ranks
from eyespot.training.checkpoint import NAME, Run, cached
from eyespot.training.data import Data, Images, load
from eyespot.training.finish import Trained
from eyespot.training.grid import Fields, changed
from eyespot.training.loop import Report, Taught, arithmetic, device_of, fit, use_device
from eyespot.weights.state_dicts import to_safetensors
from eyespot.zoo import registry
from eyespot.zoo.cards import Model

TEACHER = "teacher"
CPU = torch.device("cpu")


def train(
    card: Model, folder: Path, report: Report, *, epochs: int | None = None, seed: int = 0,
    teacher: Path | None = None, device: str = "cpu", force: bool = False, fields: Fields | None = None,
) -> Trained:  # fmt: skip
    """Train the card's network as `by_recipe` does; `fields` are what differs from the card's recipe.

    MissingDataError if `teacher` has no trained one, RefusedError for a folder with another run if not `force`.
    """
    assert card.recipe is not None  # noqa: S101 (the verb refuses a card without one)
    recipe = changed(card.recipe, epochs, fields)
    for member in range(recipe.teacher.members if recipe.teacher and teacher else 0):
        checkpoint = (teacher or folder) / TEACHER / str(member) / NAME
        if not checkpoint.is_file():
            raise MissingDataError(f"{teacher}: no run whose teacher was trained; expected {checkpoint}")
    owner, where = catalogue.dataset(card.data), use_device(device)
    earlier.check_folder(folder, card.name, owner, force=force)
    data = load(owner, card.preprocessing, owner.digest)
    run = Run(model=card.name, data=data.digest, seed=seed, recipe=recipe, preprocessing=card.preprocessing)
    earlier.check_run(folder, run, force=force)
    network = by_recipe(card, data, run, folder, report, teacher, where)
    arguments = {"seed": seed, "recipe": asdict(recipe)}
    return Trained(network=network, run=run, data=data, classes=owner.classes, arguments=arguments)


def by_recipe(
    card: Model, data: Data, run: Run, folder: Path, report: Report, teacher: Path | None = None,
    device: torch.device = CPU,
) -> nn.Module:  # fmt: skip
    """Train, or continue an earlier call with the same arguments.

    `report(history, folder)` is called after each epoch, also of the teacher. `teacher` is the folder of an
    earlier run whose teacher is used.
    """
    classes, answers = len(catalogue.dataset(card.data).classes), None
    if lesson := run.recipe.teacher:
        place, members = (teacher or folder) / TEACHER, []
        for seed in range(lesson.members):  # independent of the student: one teacher for all
            member = registry.imported(lesson.network)(card.preprocessing.channels, classes)
            own = replace(run, model=lesson.network, recipe=lesson.recipe, seed=seed)
            members.append(fit(member.to(device), data, own, place / str(seed), report))
        answers = taught(members, data.images, run, place)
    return fit(registry.imported(card.network)(classes).to(device), data, run, folder, report, answers)


def taught(members: Sequence[nn.Module], images: Images, run: Run, folder: Path) -> Taught:
    """A function from an epoch to the teacher's mean logits for its view of every image, (n, classes).

    Each placement's logits are computed once and kept in `folder`, also for resumed runs.
    """
    augmentation, teacher, spec = run.recipe.augmentation, run.recipe.teacher, run.preprocessing
    assert teacher is not None  # noqa: S101 (the caller has one)
    members = [member.to(memory_format=torch.channels_last).eval() for member in members]
    seen = repr((run.data, run.seed, spec, augmentation)).encode()
    key = digest(seen + b"".join(map(to_safetensors, members)))

    def logits(number: int) -> dict[str, Tensor]:
        return {"logits": ranks.together(_logits, members, images, run, number).half()}

    def answers(epoch: int) -> Tensor:
        number = epoch % teacher.views
        return cached(folder / f"answers-{number}.safetensors", key, lambda: logits(number))["logits"]

    return answers


def _logits(members: Sequence[nn.Module], images: Images, run: Run, number: int) -> Tensor:
    """The members' mean logits for a placement of every image and, if the student may see it, its mirror image."""
    augmentation, device, means = run.recipe.augmentation, device_of(members[0]), []
    geometry = augment.placements(len(images), augmentation, run.preprocessing, seed=run.seed, number=number)
    batches = torch.arange(len(images)).split(500)[ranks.part()]
    with torch.inference_mode(), arithmetic(run.recipe, device):
        for indices in track(batches, len(batches), f"teacher, view {number + 1}"):
            x = augment.ready(augment.view(images, indices, geometry), run.preprocessing).to(device)
            sides = (x, x.flip(3)) if augmentation.flip else (x,)
            means.append(torch.stack([member(side) for member in members for side in sides]).mean(0).cpu())
    return ranks.gathered(means)
