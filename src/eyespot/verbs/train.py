"""train: a network from random weights by its recipe, or from published ones on the user's own classes."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyespot.artifacts.atomic import digest_file, write
from eyespot.artifacts.model_folder import ModelFolder
from eyespot.artifacts.sidecars import HANDED_ON, Artifact, save, tools
from eyespot.data import catalogue
from eyespot.errors import BadFileError, MissingDataError, RefusedError, StoppedError
from eyespot.preprocessing.spec import Contract
from eyespot.quantity import wilson
from eyespot.sizes import positive
from eyespot.tflite.contract import encode
from eyespot.weights import published
from eyespot.zoo import registry
from eyespot.zoo.cards import Dataset, Model

if TYPE_CHECKING:
    from torch import nn

    from eyespot.data.split import Split
    from eyespot.training.data import Data

WEIGHTS = "weights.safetensors"
LEAST = 5  # images of a class
SEEDS = 1 << 31


@dataclass(frozen=True, kw_only=True)
class Training:
    """A finished run: its folder, weights and float32 file, and top-1 on n validation images.

    `low` and `high` bound the 95 % interval (Wilson). `dropped` counts training images that were left
    out, by reason.
    """

    folder: Path
    weights: Artifact
    float32: Artifact
    validation_top1: float
    low: float
    high: float
    n: int
    dropped: dict[str, int]


def train(
    model: str,
    *,
    data: str | None = None,
    out: Path | None = None,
    weights: str | None = None,
    unfreeze: bool = False,
    epochs: int | None = None,
    teacher: Path | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> Training:
    """Train a model by its card's recipe, or a published one on your own folder of images.

    A recipe takes hours, and its teacher's networks as long again (docs/training-log.md has the speeds).
    With --data only the last layer is new and trained, on features of the others that are computed once;
    --unfreeze then trains all layers. Of a folder 80 % of the images train, 10 % validate and 10 % are
    kept for the test. Repeat the command to continue a run that was stopped. Writes weights.safetensors,
    float32.tflite, confusion.png and mistakes.png, and where there are epochs run.csv and curves.png.

    Example: eyespot train mobilenet-v2 --data my-pictures/ --out mine/

    Parameters
    ----------
    model
        Name of a model.
    data
        A folder with a folder of images for each class, or a data set; needs no recipe.
    out
        Folder to write to; build/MODEL by default.
    weights
        With --data: the published weights to begin with (`eyespot show MODEL` lists them); by default
        what ships, or the first ones.
    unfreeze
        With --data: train all layers, which takes longer and wants more images.
    epochs
        Instead of the recipe's.
    teacher
        Folder of an earlier run whose teacher will do.
    seed
        Of the first weights, the order of the images and their augmentation.
    threads
        Cores to use; all by default.
    """
    card, folder = registry.model(model), out or Path("build") / model
    positive(epochs=epochs, threads=threads)
    if not 0 <= seed < SEEDS:
        raise RefusedError(f"--seed {seed}: expected 0 to {SEEDS - 1:,}")
    _check_options(card, data, {"--weights": weights, "--unfreeze": unfreeze}, teacher)
    if data and epochs and not unfreeze:
        raise RefusedError("--epochs: the last layer alone has none; goes with --unfreeze")
    if threads:
        import torch

        torch.set_num_threads(threads)
    owner = catalogue.dataset(data or card.data)
    try:
        if data is None:
            course = _by_recipe(card, owner, folder, epochs, seed, teacher)
            (folder / catalogue.OWN_DATA).unlink(missing_ok=True)
        else:
            course = _own_classes(card, owner, folder, weights, epochs, seed, unfreeze=unfreeze)
            write(folder / catalogue.OWN_DATA, str(Path(data).absolute()) if owner.root else data)
        return _finish(course, folder)
    except KeyboardInterrupt as error:
        raise StoppedError(f"{folder}: stopped; the same command continues") from error


@dataclass(frozen=True, kw_only=True)
class Course:
    """A trained network, the contract that it fulfils, its data, and what its sidecar tells of them."""

    network: nn.Module
    contract: Contract
    data: Data
    arguments: dict[str, Any]
    inputs: dict[str, str]
    facts: dict[str, Any]


def _check_options(card: Model, data: str | None, own: dict[str, Any], teacher: Path | None) -> None:
    """RefusedError for options that do not go together."""
    if data is None and card.recipe is None:
        raise RefusedError(
            f"{card.name}: has no recipe, its weights are published: train it on your own pictures with "
            f"--data FOLDER, or take it as it is: eyespot make {card.name}"
        )
    alone = [name for name, value in own.items() if value]
    if data is None and alone:
        raise RefusedError(f"{', '.join(alone)}: goes with --data; a recipe begins with random weights")
    lesson = card.recipe.teacher if card.recipe and not data else None
    if teacher and lesson is None:
        raise RefusedError(f"--teacher {teacher}: nothing is learnt from a teacher here")
    if teacher and lesson:
        for member in range(lesson.members):
            kept = teacher / "teacher" / str(member) / "checkpoint.safetensors"
            if not kept.is_file():
                raise MissingDataError(f"{teacher}: no run whose teacher was trained; expected {kept}")


def _parts(owner: Dataset) -> tuple[str, ...]:
    """The splits that train, validate and are kept for the test."""
    return "train", "validation", "test" if owner.root else owner.test


def _check_classes(owner: Dataset, splits: list[Split]) -> None:
    """BadFileError for fewer than two classes, unnamed ones and ones with too few images to learn from."""
    if len(owner.classes) < 2:
        found = owner.classes[0] if owner.classes else "none that has a name (classes.txt)"
        raise BadFileError(f"{owner.name}: expected two classes or more, found {found}")
    counts = Counter(int(label) for split in splits for label in split.labels)
    few = [f"{name} ({counts[i]})" for i, name in enumerate(owner.classes) if counts[i] < LEAST]
    if few:
        raise BadFileError(f"{owner.name}: {', '.join(few[:5])}: a class needs {LEAST} images; add some")


def _check_learnt(owner: Dataset, learnt: list[int], validated: int) -> None:
    """BadFileError for a class of which nothing is left to learn from, and for nothing to validate on."""
    if absent := [name for i, name in enumerate(owner.classes) if i not in set(learnt)]:
        raise BadFileError(
            f"{owner.name}: no image of {absent[0]} is left to train on (blank ones and those that also "
            "stand in the other parts are dropped); add some"
        )
    if not validated:
        raise BadFileError(f"{owner.name}: no image falls into the validation part; add some")


def _by_recipe(
    card: Model, owner: Dataset, folder: Path, epochs: int | None, seed: int, teacher: Path | None
) -> Course:
    """The card's network from random weights."""
    from eyespot.reports.training import write_history
    from eyespot.training.course import by_recipe
    from eyespot.training.data import load

    assert card.recipe is not None  # noqa: S101 (_check_options)
    recipe = replace(card.recipe, epochs=epochs or card.recipe.epochs)
    loaded = load([catalogue.open_split(owner, name) for name in _parts(owner)], card.preprocessing)
    return Course(
        network=by_recipe(card, loaded, recipe, folder, write_history, seed=seed, teacher=teacher).network,
        contract=Contract(model=card.name, preprocessing=card.preprocessing, classes=owner.classes),
        data=loaded.data,
        arguments={"seed": seed, "recipe": asdict(recipe)},
        inputs={"train": loaded.digest},
        facts={"dropped": loaded.dropped},
    )


def _own_classes(
    card: Model,
    owner: Dataset,
    folder: Path,
    weights: str | None,
    epochs: int | None,
    seed: int,
    *,
    unfreeze: bool,
) -> Course:
    """The card's network from published weights, on the classes of `owner`."""
    from eyespot.reports.training import write_history
    from eyespot.training.data import load
    from eyespot.training.finetune import RECIPE, own_input, tune

    splits = [catalogue.open_split(owner, name) for name in _parts(owner)]
    _check_classes(owner, splits)
    name, path, importer = _start(card, weights)
    network = registry.imported(card.network)(len(catalogue.dataset(card.data).classes))
    registry.imported(importer)(network, path)
    card, recipe = (
        replace(card, preprocessing=own_input(card.preprocessing)),
        replace(RECIPE, epochs=epochs or RECIPE.epochs),
    )
    loaded, start = load(splits, card.preprocessing), digest_file(path)
    _check_learnt(owner, loaded.data.labels.tolist(), len(loaded.data.validation_labels))
    tuned = tune(
        card, network, loaded, recipe, folder, write_history,
        classes=len(owner.classes), start=start, seed=seed, unfreeze=unfreeze,
    )  # fmt: skip
    how = {"weights": name, "data": owner.title, "unfreeze": unfreeze, "seed": seed}
    return Course(
        network=tuned.network,
        contract=Contract(model=card.name, preprocessing=card.preprocessing, classes=owner.classes),
        data=loaded.data,
        arguments=how | ({"recipe": asdict(recipe)} if unfreeze else {}),
        inputs={"train": loaded.digest, "weights": start},
        facts={"dropped": loaded.dropped, "training_images": [each.hex() for each in loaded.digests]},
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


def _finish(course: Course, folder: Path) -> Training:
    """Write the files and the pictures; tell the accuracy."""
    from eyespot.conversion.pytorch import save_float32
    from eyespot.reports import training
    from eyespot.training.loop import answers
    from eyespot.weights.state_dicts import to_safetensors

    held, classes = course.data, course.contract.classes
    shares = answers(course.network, held.validation_images, course.contract.preprocessing).numpy()
    labels = held.validation_labels.numpy()
    correct, n = int((shares.argmax(1) == labels).sum()), len(labels)
    weights = save(
        folder / WEIGHTS,
        to_safetensors(course.network),
        verb="train",
        model=course.contract.model,
        arguments=course.arguments,
        inputs=course.inputs,
        tools=tools("torch"),
        facts=course.facts
        | {
            "validation_top1": correct / n,
            "classes": classes,
        }
        | encode(course.contract.preprocessing),
    )
    own = {each: course.facts[each] for each in HANDED_ON if each in course.facts}
    float32 = save_float32(
        course.network, course.contract, ModelFolder(folder), weights="train",
        inputs={"weights": weights.sha256}, facts=own,
    )  # fmt: skip
    training.draw_confusion(folder / "confusion.png", labels, shares, classes)
    training.draw_mistakes(folder / "mistakes.png", held.validation_images.numpy(), labels, shares, classes)
    low, high = wilson(correct, n)
    return Training(
        folder=folder, weights=weights, float32=float32, validation_top1=correct / n,
        low=low, high=high, n=n, dropped=course.facts["dropped"],
    )  # fmt: skip
