"""train: a network from random weights to weights.safetensors."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyespot import registry
from eyespot.artifact import replacing, save, tools, write
from eyespot.cards import Artifact, Model
from eyespot.datasets.split import Split, data_digest, image_digest, usable
from eyespot.errors import RefusedError, StoppedError
from eyespot.progress import track

if TYPE_CHECKING:
    from eyespot.training.checkpoint import Epoch, Run
    from eyespot.training.loop import Data

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True, kw_only=True)
class Training:
    """A finished run: its folder, the weights, and top-1 on the validation images (never the test's)."""

    folder: Path
    weights: Artifact
    validation_top1: float


def train(
    model: str,
    *,
    out: Path | None = None,
    epochs: int | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> Training:
    """Train a model by its card's recipe; repeat the command to continue a run that was stopped.

    Writes weights.safetensors with its sidecar, run.csv, curves.png and a checkpoint after each epoch.

    Example: eyespot train tiny-resnet --threads 2 --out build/tiny-resnet

    Parameters
    ----------
    model
        Name of a model.
    out
        Folder to write to; build/MODEL by default.
    epochs
        Instead of the recipe's.
    seed
        Of the first weights, the order of the images and their augmentation.
    threads
        Cores to use; all by default.
    """
    import torch

    from eyespot.networks.layers import initialise
    from eyespot.training.checkpoint import Run
    from eyespot.training.loop import fit

    card = registry.model(model)
    if card.recipe is None:
        raise RefusedError(f"{model}: has no recipe; its weights are published: eyespot convert {model}")
    folder = out or Path("build") / model
    recipe = replace(card.recipe, epochs=epochs or card.recipe.epochs)
    if threads:
        torch.set_num_threads(threads)
    data, digest, dropped = _load(card)
    network = registry.imported(card.network)(len(registry.dataset(card.data).classes))
    initialise(network, seed)
    history: list[Epoch] = []

    def report(entry: Epoch) -> None:
        history.append(entry)
        _write_csv(folder / "run.csv", history)

    run = Run(model=model, data=digest, seed=seed, recipe=recipe)
    try:
        trained = fit(network, data, run, card.input, folder, track, report)
    except KeyboardInterrupt as error:
        raise StoppedError(
            f"{folder}: stopped after epoch {len(history)} of {recipe.epochs}; the same command continues"
        ) from error
    _draw_curves(folder / "curves.png", history)
    weights = _save(
        folder,
        run,
        trained.state_dict(),
        {"dropped": dropped, "validation_top1": history[-1].validation_top1},
    )
    return Training(folder=folder, weights=weights, validation_top1=history[-1].validation_top1)


def _load(card: Model) -> tuple[Data, str, dict[str, int]]:
    """Training and validation images in memory, the former's digest, and how many were dropped and why."""
    import numpy as np
    import torch

    from eyespot.image import fit
    from eyespot.training.loop import Data

    data = registry.dataset(card.data)
    train_split, validation, test = (
        registry.open_split(data, name) for name in ("train", "validation", data.test)
    )
    held_out = {image_digest(image) for split in (validation, test) for image in split}
    kept, digests, dropped = usable(train_split, held_out)

    def pixels(split: Split, chosen: Iterable[int]) -> torch.Tensor:
        return torch.from_numpy(np.stack([fit(split.read(i), card.input) for i in chosen]))

    loaded = Data(
        images=pixels(train_split, kept),
        labels=torch.from_numpy(train_split.labels[kept]),
        validation_images=pixels(validation, range(len(validation))),
        validation_labels=torch.from_numpy(validation.labels),
    )
    return loaded, data_digest(train_split.labels[kept], digests), dropped


def _save(folder: Path, run: Run, state: dict[str, Any], facts: dict[str, Any]) -> Artifact:
    """Write the weights and their sidecar."""
    from safetensors.torch import save as to_bytes

    tensors = {name: t.contiguous() for name, t in state.items() if not name.endswith("num_batches_tracked")}
    return save(
        folder / WEIGHTS,
        to_bytes(tensors),
        verb="train",
        model=run.model,
        arguments={"seed": run.seed, "recipe": asdict(run.recipe)},
        inputs={"train": run.data},
        tools=tools("torch"),
        facts=facts,
    )


def _write_csv(path: Path, history: list[Epoch]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(asdict(history[0])), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(entry) for entry in history)
    write(path, text.getvalue())


def _draw_curves(path: Path, history: list[Epoch]) -> None:
    """Loss and validation accuracy over the epochs, as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [entry.epoch for entry in history]
    left.plot(epochs, [entry.loss for entry in history])
    left.set(xlabel="epoch", ylabel="training loss", yscale="log")
    right.plot(epochs, [100 * entry.validation_top1 for entry in history])
    right.set(xlabel="epoch", ylabel="validation top-1, %")
    for axes in (left, right):
        axes.grid(visible=True, alpha=0.3)
    with replacing(path) as partial:
        figure.savefig(partial, format="png", dpi=120)
