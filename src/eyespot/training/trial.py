"""One run of a sweep: a training in its own folder, and the record that it has finished."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eyespot import decoding
from eyespot.artifacts.atomic import write_json
from eyespot.artifacts.lock import held, is_held
from eyespot.artifacts.measurements import Subset
from eyespot.artifacts.model_folder import WEIGHTS, sidecar
from eyespot.data import manifest
from eyespot.errors import BadFileError, MissingDataError
from eyespot.training.grid import Fields
from eyespot.training.outcome import Answers, Epoch
from eyespot.zoo.cards import Model

RECORD = "sweep.json"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What all runs of a sweep share; `options` are those of `session.run`. Paths are absolute.

    `report` and `draw` are as in `session.run` and `reports.plot.draw_answers`, `data_root` is $EYESPOT_DATA.
    """

    card: Model
    folder: Path
    data_root: Path
    options: Mapping[str, Any]
    report: Callable[[list[Epoch], Path], None]
    draw: Callable[[Answers, Path], None]


@dataclass(frozen=True, kw_only=True)
class Run:
    """A setting and a seed; `key` changes with all that the result depends on."""

    fields: Fields
    seed: int
    folder: Path
    key: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Top-1 on the validation images, or the `error`. `weights` is the digest of the sidecar of the weights."""

    key: str
    weights: str = ""
    validation: Subset | None = None
    error: str = ""


def finished(run: Run) -> Outcome | None:
    """The outcome that an earlier call recorded, if the weights are still its own."""
    with contextlib.suppress(BadFileError, OSError):
        outcome = decoding.read(Outcome, run.folder / RECORD, "")
        if (outcome.key, outcome.weights) == (run.key, _stamp(run.folder)):
            return outcome
    return None


def perform(plan: Plan, run: Run) -> Outcome:
    """Train, or continue; in a process of its own. MissingDataError on a machine that lacks the sweep's folder."""
    if not is_held(plan.folder):  # as it is by the process that asks
        raise MissingDataError(
            f"{plan.folder}: is not the same folder as there; put it on storage that all nodes share"
        )
    os.environ["EYESPOT_DATA"] = str(plan.data_root)
    from eyespot.training import session

    fields, options = dict(run.fields), dict(plan.options)
    if "layers" in fields:
        options["layers"] = fields.pop("layers")
    with held(run.folder):
        shared = manifest.load(plan.folder)
        if shared and manifest.load(run.folder) is None:
            manifest.save(shared, run.folder)
        training, answers = session.run(plan.card, run.folder, plan.report, seed=run.seed, fields=fields, **options)
        plan.draw(answers, run.folder)
        n, top1 = training.n, training.validation_top1
        validation = Subset(n=n, correct=round(top1 * n), top1=top1, low=training.low, high=training.high)
        outcome = Outcome(key=run.key, weights=_stamp(run.folder), validation=validation)
        write_json(run.folder / RECORD, asdict(outcome))
    return outcome


def _stamp(folder: Path) -> str:
    """The digest of what is said of the weights in a folder. OSError without any."""
    from eyespot.artifacts.atomic import digest_file

    return digest_file(sidecar(folder / WEIGHTS))
