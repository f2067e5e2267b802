"""A training from its options to its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eyespot.data import catalogue
from eyespot.training import finetune, finish, loop, recipe_run
from eyespot.training.outcome import Answers, Training
from eyespot.zoo.cards import Model


def run(
    card: Model, folder: Path, report: loop.Report, *, data: str | None, threads: int | None, log: str | None,
    **options: Any,
) -> tuple[Training, Answers]:  # fmt: skip
    """Fine-tune on `data`, or train by the card's recipe, and write the files; `options` are the engine's."""
    loop.use_threads(threads)
    reports = [report]
    if log:
        from eyespot.training.tensorboard import EventWriter

        reports.append(EventWriter())
    engine: Any = finetune if data else recipe_run
    if data:
        options["owner"] = catalogue.dataset(data)
    trained = engine.train(card, folder, lambda history, place: [each(history, place) for each in reports], **options)
    return finish.save(trained, folder)
