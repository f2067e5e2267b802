"""Options of `train` that do not go together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eyespot.errors import RefusedError
from eyespot.zoo.cards import Model

SEEDS = 1 << 31


def check_options(
    card: Model, data: str | None, own: Mapping[str, Any], epochs: int | None, teacher: Path | None, seed: int,
    *, alone: bool,
) -> None:  # fmt: skip
    """RefusedError for options of `train` that do not go together. `alone` is a cluster without a sweep."""
    named = ", ".join(f"--{name}" for name, value in own.items() if value not in {None, "auto"})
    taught = not data and card.recipe and card.recipe.teacher
    problems = {  # message: whether it applies
        f"--seed {seed}: expected 0 to {SEEDS - 1:,}": not 0 <= seed < SEEDS,
        f"{card.name}: has no recipe, its weights are published: train it on your own pictures with --data "
        f"FOLDER, or use it as it is: eyespot make {card.name}": not data and not card.recipe,
        f"{named}: goes with --data; a recipe begins with random weights": not data and named,
        "--epochs: the last layer alone has none; goes with --layers all": epochs and own["layers"] == "last",
        "--cluster: goes with --sweep": alone,
        f"--teacher {teacher}: goes with a recipe that has a teacher": teacher and not taught,
    }
    for message in (message for message, applies in problems.items() if applies):
        raise RefusedError(message)
