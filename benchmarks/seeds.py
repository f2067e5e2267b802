"""The spread over seeds of shortened runs without a teacher, so that a gain can be told from noise.

EYESPOT_DATA=... python benchmarks/seeds.py [MODEL ...]   writes src/eyespot/measurements/seeds/MODEL.json
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean, stdev

import torch

from eyespot.artifacts import places
from eyespot.artifacts.atomic import write_json
from eyespot.artifacts.model_folder import tools
from eyespot.data import catalogue
from eyespot.training.checkpoint import Run
from eyespot.training.data import load
from eyespot.training.outcome import Epoch
from eyespot.training.recipe_run import by_recipe
from eyespot.zoo.models import MODELS

SEEDS = (0, 1, 2)
EPOCHS = 3
last: list[Epoch] = []


def keep(history: list[Epoch], _: Path) -> None:
    """Remember the history of the current run."""
    last[:] = history


def main(names: list[str]) -> None:
    """Train each model that has a recipe once for every seed."""
    torch.set_num_threads(1)
    for card in MODELS:
        if card.recipe is None or (names and card.name not in names):
            continue
        owner = catalogue.dataset(card.data)
        data = load(owner, card.preprocessing, owner.digest)
        recipe = replace(card.recipe, epochs=EPOCHS, teacher=None, averaging=0.99)
        found: list[float] = []
        for seed in SEEDS:
            run = Run(model=card.name, data=data.digest, seed=seed, recipe=recipe, preprocessing=card.preprocessing)
            with tempfile.TemporaryDirectory() as place:
                by_recipe(card, data, run, Path(place), keep)
                found.append(last[-1].validation_top1)
        result = {
            "model": card.name,
            "split": "validation",
            "n": len(data.validation_labels),
            "recipe": asdict(recipe),
            "seeds": dict(zip(map(str, SEEDS), found, strict=True)),
            "mean": mean(found),
            "standard_deviation": stdev(found),
            "data_digest": data.digest,
            "tools": tools("torch"),
        }
        write_json(places.MEASUREMENTS / "seeds" / f"{card.name}.json", result)
        print(f"{card.name}: {mean(found):.4f} +- {stdev(found):.4f} over seeds {SEEDS}, {EPOCHS} epochs")


if __name__ == "__main__":
    main(sys.argv[1:])
