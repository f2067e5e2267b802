"""train: a network by its recipe, or a published one on the user's own classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from eyespot.arguments import verb
from eyespot.artifacts.lock import held
from eyespot.errors import StoppedError
from eyespot.training.options import checked
from eyespot.training.outcome import Sweep, Training
from eyespot.zoo import registry
from eyespot.zoo.cards import Model


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
    int8: bool = False,
    sweep: Sequence[str] = (),
    cluster: str | None = None,
) -> Training | Sweep:
    """Train a model by its recipe, or a published one on your pictures.

    A recipe takes hours (docs/training-log.md). With --data a new last layer is trained, then all layers; what
    is better on the validation images stays. 80 % of a folder's images train, 10 % validate, 10 % are for the
    test; manifest.csv lists them. Repeat the command to continue a stopped run. Writes weights.safetensors,
    float32.tflite, confusion.png, mistakes.png, mistakes.csv; with epochs run.csv, curves.png.

    With --sweep it trains once for each combination of values, each in a folder of its own, and compares them on
    the validation images: sweep.csv, sweep.png.

    Example: eyespot train mobilenet-v2 --data my-pictures/ --out mine/

    Args:
        model: Name of a model.
        data: A folder of yours (class folders, parts, a CSV list, YOLO or COCO boxes: docs/data.md), or a data set.
        out: Folder to write to; build/MODEL by default.
        weights: With --data: published weights to start from, not the shipped or first; or timm's on the Hugging
            Face Hub, hf:OWNER/NAME[:FILE.safetensors] (docs/hub.md).
        layers: With --data: train the last layer alone, which is quick, or all; auto tries both.
        epochs: Instead of the recipe's.
        teacher: Folder of an earlier run whose teacher is used again.
        seed: Of the first weights, the order of the images and their augmentation.
        device: Processor that trains.
        threads: Cores to use; all by default, one for each run of a sweep.
        force: Replace another run in the folder.
        log: Also write the epochs for TensorBoard, to tensorboard/.
        int8: Also write int8.tflite, by quantization-aware training; `quantize` alone is quicker and often enough.
        sweep: seeds=N, and fields of the recipe with their values, such as "learning_rate=0.003,0.01 seeds=3".
        cluster: Sweep on this Ray cluster: auto for the one that this machine is in, or its HOST:PORT.
    """
    card, folder = registry.model(model), out or Path("build") / model
    options = checked(
        card, data=data, weights=weights, layers=layers, epochs=epochs, teacher=teacher, seed=seed, device=device,
        threads=threads, force=force, log=log, swept=bool(sweep), cluster=cluster is not None, int8=int8,
    )  # fmt: skip
    return _trained(card, folder, options, int8, sweep, cluster)


def _trained(
    card: Model, folder: Path, options: dict[str, Any], int8: bool, texts: Sequence[str], cluster: str | None
) -> Training | Sweep:
    """One training or a sweep. StoppedError for Ctrl-C."""
    try:
        from eyespot.reports.plot import draw_answers, write_history
        from eyespot.reports.sweep import write_sweep
        from eyespot.training import ranks, session, sweep

        with ranks.joined(options["device"], options["threads"]), held(folder):
            if texts:
                swept = sweep.run(card, folder, texts, cluster, views=(write_history, draw_answers), **options)
                write_sweep(swept)
                return swept
            training, answers = session.run(card, folder, write_history, **options)
            draw_answers(answers, folder)
            if not int8:
                return training
            from eyespot.quantization.rescue import train_int8

            return replace(training, int8=train_int8(folder, card.quantization))
    except KeyboardInterrupt as error:
        raise StoppedError(f"{folder}: stopped; the same command continues") from error
