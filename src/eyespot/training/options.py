"""The options of `train`, checked against each other."""

from __future__ import annotations

import os
from typing import Any

from eyespot.arguments import CORES, positive
from eyespot.errors import RefusedError
from eyespot.zoo.cards import Model

SEEDS = 1 << 31
TUNED = ("weights", "layers")  # options of a network that was trained before


def checked(card: Model, *, swept: bool, cluster: bool, int8: bool, **options: Any) -> dict[str, Any]:
    """Those that `session.run` takes.

    BadArgumentError for a number that is none of cores or epochs, RefusedError for options that do not go together.
    """
    data, epochs, seed, teacher = (options[name] for name in ("data", "epochs", "seed", "teacher"))
    positive(epochs=epochs)
    positive(CORES, threads=options["threads"])
    named = ", ".join(f"--{name}" for name in TUNED if options[name] not in {None, "auto"})
    taught = not data and card.recipe and card.recipe.teacher
    problems = {  # message: whether it applies
        f"--seed {seed}: expected 0 to {SEEDS - 1:,}": not 0 <= seed < SEEDS,
        f"{card.name}: has no recipe, its weights are published: train it on your own pictures with --data "
        f"FOLDER, or use it as it is: eyespot make {card.name}": not data and not card.recipe,
        f"{named}: goes with --data; a recipe begins with random weights": not data and named,
        "--epochs: the last layer alone has none; goes with --layers all": epochs and options["layers"] == "last",
        "--cluster: goes with --sweep": cluster and not swept,
        "--int8: goes with one training; quantize the best run of a sweep with --rescue": int8 and swept,
        "--sweep: starts processes of its own; run it without torchrun": swept and "TORCHELASTIC_RUN_ID" in os.environ,
        f"--teacher {teacher}: goes with a recipe that has a teacher": teacher and not taught,
    }
    for message in (message for message, applies in problems.items() if applies):
        raise RefusedError(message)
    others = ("teacher",) if data else TUNED
    return {name: value for name, value in options.items() if name not in others}
