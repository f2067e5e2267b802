"""train: a network by its recipe, or a published one on the user's own classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from eyespot.arguments import CORES, positive, verb
from eyespot.artifacts.lock import held
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
    layers: Literal["auto", "last", "all"] = "auto",
    epochs: int | None = None,
    teacher: Path | None = None,
    seed: int = 0,
    device: Literal["cpu", "cuda", "mps"] = "cpu",
    threads: int | None = None,
    force: bool = False,
    log: Literal["tensorboard"] | None = None,
) -> Training:
    """Train a model by its card's recipe, or a published one on your own folder of images.

    A recipe takes hours (docs/training-log.md). With --data a new last layer is trained, then all layers; what
    is better on the validation images stays. 80 % of a folder's images train, 10 % validate, 10 % are for the
    test; manifest.csv lists them. Repeat the command to continue a stopped run. Writes weights.safetensors,
    float32.tflite, confusion.png, mistakes.png, mistakes.csv; with epochs run.csv, curves.png.

    Example: eyespot train mobilenet-v2 --data my-pictures/ --out mine/

    Args:
        model: Name of a model.
        data: A folder with one folder of images per class, or a data set; needs no recipe.
        out: Folder to write to; build/MODEL by default.
        weights: With --data: published weights to start from (`eyespot show MODEL`), not the shipped or first.
        layers: With --data: train the last layer alone, which is quick, or all; auto tries both.
        epochs: Instead of the recipe's.
        teacher: Folder of an earlier run whose teacher is used again.
        seed: Of the first weights, the order of the images and their augmentation.
        device: Processor that trains.
        threads: Cores to use; all by default.
        force: Replace another run in the folder.
        log: Also write the epochs for TensorBoard, to tensorboard/.
    """
    card, folder = registry.model(model), out or Path("build") / model
    positive(epochs=epochs)
    positive(CORES, threads=threads)
    own: dict[str, Any] = {"weights": weights, "layers": layers}
    _check_options(card, data, own, epochs, teacher, seed)
    try:
        from eyespot.reports.plot import draw_answers, write_history
        from eyespot.training import ranks, session

        with ranks.joined(device, threads), held(folder):
            training, answers = session.run(
                card, folder, write_history, data=data, threads=threads, log=log, epochs=epochs, seed=seed,
                device=device, force=force, **(own if data else {"teacher": teacher}),
            )  # fmt: skip
            draw_answers(answers, folder)
    except KeyboardInterrupt as error:
        raise StoppedError(f"{folder}: stopped; the same command continues") from error
    return training


def _check_options(
    card: Model, data: str | None, own: dict[str, Any], epochs: int | None, teacher: Path | None, seed: int
) -> None:
    """RefusedError for options that do not go together."""
    alone = ", ".join(f"--{name}" for name, value in own.items() if value not in {None, "auto"})
    taught = not data and card.recipe and card.recipe.teacher
    problems = {  # message: whether it applies
        f"--seed {seed}: expected 0 to {SEEDS - 1:,}": not 0 <= seed < SEEDS,
        f"{card.name}: has no recipe, its weights are published: train it on your own pictures with --data "
        f"FOLDER, or use it as it is: eyespot make {card.name}": not data and not card.recipe,
        f"{alone}: goes with --data; a recipe begins with random weights": not data and alone,
        "--epochs: the last layer alone has none; goes with --layers all": epochs and own["layers"] == "last",
        f"--teacher {teacher}: goes with a recipe that has a teacher": teacher and not taught,
    }
    for message in (message for message, applies in problems.items() if applies):
        raise RefusedError(message)
