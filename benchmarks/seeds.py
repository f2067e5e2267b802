"""The spread over seeds of shortened runs without a teacher, so that a gain can be told from noise.

EYESPOT_DATA=... python benchmarks/seeds.py [MODEL ...]   writes src/eyespot/results/seeds/MODEL.json
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean, stdev

import torch

from eyespot.artifacts import places
from eyespot.artifacts.atomic import write_json
from eyespot.artifacts.sidecars import tools
from eyespot.data import catalogue
from eyespot.training.checkpoint import Epoch
from eyespot.training.course import by_recipe
from eyespot.training.data import load
from eyespot.zoo.models import MODELS

SEEDS = (0, 1, 2)
EPOCHS = 3


def quiet(history: Sequence[Epoch], folder: Path) -> None:
    """Report nothing."""


def main(names: list[str]) -> None:
    """Train each model that has a recipe once for every seed."""
    torch.set_num_threads(1)
    for card in MODELS:
        if card.recipe is None or (names and card.name not in names):
            continue
        data = catalogue.dataset(card.data)
        loaded = load(
            [catalogue.open_split(data, name) for name in ("train", "validation", data.test)],
            card.preprocessing,
        )
        recipe = replace(card.recipe, epochs=EPOCHS, teacher=None, averaging=0.99)
        found = []
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as place:
                made = by_recipe(card, loaded, recipe, Path(place), quiet, seed=seed, teacher=None)
            found.append(made.history[-1].validation_top1)
        told = {
            "model": card.name,
            "split": "validation",
            "n": len(loaded.data.validation_labels),
            "recipe": asdict(recipe),
            "seeds": dict(zip(map(str, SEEDS), found, strict=True)),
            "mean": mean(found),
            "standard_deviation": stdev(found),
            "data_digest": loaded.digest,
            "tools": tools("torch"),
        }
        write_json(places.MEASUREMENTS / "seeds" / f"{card.name}.json", told)
        print(f"{card.name}: {mean(found):.4f} +- {stdev(found):.4f} over seeds {SEEDS}, {EPOCHS} epochs")


if __name__ == "__main__":
    main(sys.argv[1:])
