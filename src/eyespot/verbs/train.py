"""train: a network by its recipe, or a published one on the user's own classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eyespot.arguments import positive, verb
from eyespot.artifacts.lock import held
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

    A recipe takes hours, twice as long with a teacher (docs/training-log.md has the speeds). With --data only
    a new last layer is trained; --unfreeze then trains all layers. 80 % of a folder's images train, 10 %
    validate and 10 % are for the test; manifest.csv lists them. Repeat the command to continue a stopped run.
    Writes weights.safetensors, float32.tflite, confusion.png, mistakes.png; with epochs run.csv, curves.png.

    Example: eyespot train mobilenet-v2 --data my-pictures/ --out mine/

    Args:
        model: Name of a model.
        data: A folder with one folder of images per class, or a data set; needs no recipe.
        out: Folder to write to; build/MODEL by default.
        weights: With --data: published weights to start from (`eyespot show MODEL`); by default the shipped
            or first.
        unfreeze: With --data: train all layers, which takes longer and needs more images.
        epochs: Instead of the recipe's.
        teacher: Folder of an earlier run whose teacher is used again.
        seed: Of the first weights, the order of the images and their augmentation.
        threads: Cores to use; all by default.
    """
    card, folder = registry.model(model), out or Path("build") / model
    positive(epochs=epochs, threads=threads)
    own: dict[str, Any] = {"weights": weights, "unfreeze": unfreeze}
    _check_options(card, data, own, epochs, teacher, seed)
    try:
        from eyespot.reports.plot import draw_answers, write_history
        from eyespot.training import finetune, finish, loop, recipe_run

        loop.use_threads(threads)
        options = {"owner": catalogue.dataset(data), **own} if data else {"teacher": teacher}
        engine: Any = finetune if data else recipe_run
        with held(folder):
            trained = engine.train(card, folder, write_history, epochs=epochs, seed=seed, **options)
            training, answers = finish.save(trained, folder)
            draw_answers(answers, folder)
    except KeyboardInterrupt as error:
        raise StoppedError(f"{folder}: stopped; the same command continues") from error
    return training


def _check_options(
    card: Model, data: str | None, own: dict[str, Any], epochs: int | None, teacher: Path | None, seed: int
) -> None:
    """RefusedError for options that do not go together."""
    alone = ", ".join(f"--{name}" for name, value in own.items() if value)
    taught = not data and card.recipe and card.recipe.teacher
    frozen = data and not own["unfreeze"]
    problems = {  # message: whether it applies
        f"--seed {seed}: expected 0 to {SEEDS - 1:,}": not 0 <= seed < SEEDS,
        f"{card.name}: has no recipe, its weights are published: train it on your own pictures with --data "
        f"FOLDER, or use it as it is: eyespot make {card.name}": not data and not card.recipe,
        f"{alone}: goes with --data; a recipe begins with random weights": not data and alone,
        "--epochs: the last layer alone has none; goes with --unfreeze": epochs and frozen,
        f"--teacher {teacher}: goes with a recipe that has a teacher": teacher and not taught,
    }
    for message in (message for message, applies in problems.items() if applies):
        raise RefusedError(message)
