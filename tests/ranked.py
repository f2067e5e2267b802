"""What tests/test_ranks.py runs by torchrun: short trainings, whose losses rank 0 writes to a file, and their ends.

python tests/ranked.py FOLDER WHAT RANK
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from eyespot.errors import BadFileError, EyespotError
from eyespot.preprocessing.synthetic import picture
from eyespot.training import last_layer, loop, ranks, recipe_run
from eyespot.training.checkpoint import Run
from eyespot.training.data import Data
from eyespot.zoo.cards import Augmentation, Teacher
from tiny_network import CARD, RECIPE, Tiny

EXACT = replace(
    RECIPE, epochs=2, batch=15, bfloat16=False,
    augmentation=Augmentation(shift=1, flip=True, exposure=0.1, jpeg=0.3, cutout=4, rotation=5.0),
)  # fmt: skip
TEACHER = Teacher(network="tiny_network:teacher", recipe=EXACT, temperature=4.0, weight=0.9, views=2, members=2)
RECIPES = {
    "taught": replace(EXACT, teacher=TEACHER),
    "dropping": replace(EXACT, norms=True, balanced=True, label_smoothing=0.1, orthogonal=0.05),
    "tuned": replace(EXACT, frozen_norms=True, balanced=True, clip=0.02),
}


class Dropping(Tiny):
    """With a dropout, whose random numbers are one image's after the other's."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(super().forward(x), 0.3, self.training)


def data() -> Data:
    """Classes of unequal size, so that their weights differ, and more validation images than are classified at once."""
    images = torch.from_numpy(np.stack([picture(i, 16, 16, 3) for i in range(300)]))
    labels = (torch.arange(300) % 5).clamp(max=3)
    return Data(images=images[:64], labels=labels[:64], validation_images=images[64:], validation_labels=labels[64:])


def losses(name: str, folder: Path) -> list[tuple[float, float]]:
    """(loss, validation top-1) of each epoch of a recipe, of its teachers as well."""
    seen: list[tuple[float, float]] = []
    run = Run(model="tiny", data="0" * 64, seed=1, recipe=RECIPES[name], preprocessing=CARD.preprocessing)
    report = lambda history, _: seen.append((history[-1].loss, history[-1].validation_top1))  # noqa: E731
    if name == "taught":
        recipe_run.by_recipe(CARD, data(), run, folder / name, report)
        return seen
    network = Dropping(4) if name == "dropping" else Tiny(4)
    loop.fit(network, data(), run, folder / name, report)
    found = last_layer.features(network, data(), run, folder / f"{name}.safetensors")
    return [*seen, (float(found["training"].double().mean()), float(found["validation"].double().mean()))]


def end(what: str, rank: int) -> None:
    """Come to an end in one of the processes, while the others wait for it."""
    if os.environ["RANK"] == str(rank):
        if what == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise BadFileError("the file of one")
    ranks.total(torch.ones(1))


def forever(folder: Path) -> None:
    """Until all are stopped."""
    (folder / "started").touch()
    while True:
        ranks.total(torch.ones(1))


def main(folder: Path, what: str, rank: int) -> None:
    """Do what the words say, and end as a command does."""
    try:
        with ranks.joined("cpu", 1):
            if what == "train":
                (folder / "losses.json").write_text(json.dumps({name: losses(name, folder) for name in RECIPES}))
            elif what == "many":
                ranks.check_batch(1)
            elif what == "forever":
                ranks.together(forever, folder)
            else:
                ranks.together(end, what, rank)
    except (EyespotError, KeyboardInterrupt) as error:
        print(f"eyespot: {str(error) or 'stopped'}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    import ranked  # what is sent to the others has to be found there

    ranked.main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
