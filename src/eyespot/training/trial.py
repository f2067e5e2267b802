"""One run of a sweep: a training in its own folder, and the record that it has finished."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eyespot import decoding
from eyespot.artifacts.atomic import digest, digest_file, write_json
from eyespot.artifacts.lock import held, is_held
from eyespot.artifacts.measurements import Subset
from eyespot.artifacts.model_folder import WEIGHTS, sidecar
from eyespot.data import manifest
from eyespot.errors import BadFileError, MissingDataError
from eyespot.training.outcome import Answers, Epoch, Trial
from eyespot.zoo.cards import Model

RECORD = "sweep.json"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What all runs of a sweep share; paths are absolute. `options` are those of `session.run`.

    `report` is too, `draw` is `reports.plot.draw_answers`, `data_root` is $EYESPOT_DATA, and `content` is a
    digest of the data.
    """

    card: Model
    folder: Path
    data_root: Path
    content: str
    options: Mapping[str, Any]
    report: Callable[[list[Epoch], Path], None]
    draw: Callable[[Answers, Path], None]


@dataclass(frozen=True, kw_only=True)
class Record:
    """Top-1 of a finished run, and its `_key`."""

    key: str
    validation: Subset


def finished(plan: Plan, trial: Trial) -> Subset | None:
    """Top-1 that an earlier call recorded, unless the run would be another one now or its weights have changed."""
    with contextlib.suppress(BadFileError, OSError):
        record = decoding.read(Record, trial.folder / RECORD, "")
        if record.key == _key(plan, trial):
            return record.validation
    return None


def perform(plan: Plan, trial: Trial) -> Subset:
    """Train, or continue, in a process of its own. MissingDataError on a machine that lacks the sweep's folder."""
    if not is_held(plan.folder):  # as it is by the process that asks
        raise MissingDataError(f"{plan.folder}: is not the folder of the sweep; it must be on shared storage")
    os.environ["EYESPOT_DATA"] = str(plan.data_root)
    from eyespot.training import session

    fields, options = dict(trial.fields), dict(plan.options)
    if "layers" in fields:
        options["layers"] = fields.pop("layers")
    with held(trial.folder):
        shared = manifest.load(plan.folder)
        if shared and manifest.load(trial.folder) is None:
            manifest.save(shared, trial.folder)
        made, answers = session.run(plan.card, trial.folder, plan.report, seed=trial.seed, fields=fields, **options)
        plan.draw(answers, trial.folder)
        n, top1 = made.n, made.validation_top1
        found = Subset(n=n, correct=round(top1 * n), top1=top1, low=made.low, high=made.high)
        write_json(trial.folder / RECORD, asdict(Record(key=_key(plan, trial), validation=found)))
    return found


def _key(plan: Plan, trial: Trial) -> str:
    """A digest of all that the result depends on, and of the sidecar of the weights. OSError without that."""
    options = [(name, str(plan.options.get(name))) for name in ("data", "weights", "layers", "epochs", "teacher")]
    stamp = digest_file(sidecar(trial.folder / WEIGHTS))
    return digest(repr((plan.card, plan.content, options, dict(trial.fields), trial.seed, stamp)).encode())
