"""train: a network from random weights by its recipe, or from published ones on the user's own classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eyespot.arguments import positive, verb
from eyespot.data import catalogue
from eyespot.errors import RefusedError, StoppedError
from eyespot.training.outcome import Training
from eyespot.zoo import registry
from eyespot.zoo.cards import Model

SEEDS = 1 << 31


@verb
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

    A recipe takes hours. If it has a teacher, plan twice the time (docs/training-log.md has the speeds).
    With --data only the last layer is new and trained, on features of the others that are computed once;
    --unfreeze then trains all layers. Of a folder 80 % of the images train, 10 % validate and 10 % are
    kept for the test; manifest.csv says which. Repeat the command to continue a run that was stopped. Writes
    weights.safetensors, float32.tflite, confusion.png and mistakes.png, and run.csv and curves.png if
    there are epochs.

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
        Folder of an earlier run whose teacher is used again.
    seed
        Of the first weights, the order of the images and their augmentation.
    threads
        Cores to use; all by default.
    """
    card, folder = registry.model(model), out or Path("build") / model
    positive(epochs=epochs, threads=threads)
    own = {"weights": weights, "unfreeze": unfreeze}
    _check_options(card, data, own, epochs, teacher, seed)
    options = {"epochs": epochs, "seed": seed, **(own if data else {"teacher": teacher})}
    try:
        return _train(card, data, folder, threads, options)
    except KeyboardInterrupt as error:
        raise StoppedError(f"{folder}: stopped; the same command continues") from error


def _train(card: Model, data: str | None, folder: Path, threads: int | None, options: Any) -> Training:
    from eyespot.reports.plot import draw_answers, write_history
    from eyespot.training import finish, loop, own_data, recipe_run

    loop.use_threads(threads)
    if data:
        trained = own_data.train(card, catalogue.dataset(data), folder, write_history, **options)
    else:
        trained = recipe_run.train(card, folder, write_history, **options)
    training, answers = finish.save(trained, folder)
    draw_answers(answers, folder)
    return training


def _check_options(
    card: Model, data: str | None, own: dict[str, Any], epochs: int | None, teacher: Path | None, seed: int
) -> None:
    """RefusedError for options that do not go together."""
    if not 0 <= seed < SEEDS:
        raise RefusedError(f"--seed {seed}: expected 0 to {SEEDS - 1:,}")
    if data is None and card.recipe is None:
        raise RefusedError(
            f"{card.name}: has no recipe, its weights are published: train it on your own pictures with "
            f"--data FOLDER, or use it as it is: eyespot make {card.name}"
        )
    if data is None and (alone := [f"--{name}" for name, value in own.items() if value]):
        raise RefusedError(f"{', '.join(alone)}: goes with --data; a recipe begins with random weights")
    if data and epochs and not own["unfreeze"]:
        raise RefusedError("--epochs: the last layer alone has none; goes with --unfreeze")
    if teacher and (data or card.recipe is None or card.recipe.teacher is None):
        raise RefusedError(f"--teacher {teacher}: nothing is learnt from a teacher here")
