"""A sweep: one model trained with several settings and seeds, compared on validation images alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from eyespot.artifacts import places
from eyespot.artifacts.atomic import digest
from eyespot.data import catalogue, manifest
from eyespot.errors import EyespotError, RefusedError
from eyespot.escaping import file_name
from eyespot.evaluation.cluster import SPACE, Cluster
from eyespot.progress import note, track
from eyespot.training import grid, tune
from eyespot.training.grid import Fields
from eyespot.training.outcome import Setting, Sweep, Trial
from eyespot.training.trial import Outcome, Plan, Run, finished
from eyespot.zoo.cards import Model

IRRELEVANT = ("threads", "log", "device", "force")  # options on which a result does not depend


def run(
    card: Model, folder: Path, texts: Sequence[str], cluster: str | None, *, seed: int, views: tuple[Any, Any],
    **options: Any,
) -> Sweep:  # fmt: skip
    """Train with every setting of `texts` and `seed`, `seed` + 1, ... in folders below `folder`, which is held.

    Runs that an earlier call finished are not repeated. `views` are the `report` and `draw` of a `Plan`, and
    `options` those of `session.run`. Errors as `grid.parse`, `Cluster`; RefusedError for options that a sweep gives
    too; EyespotError if all runs fail. What makes one run fail is in its `Trial`.
    """
    settings, seeds = grid.parse(texts, own=options["data"] is not None)
    _check_options(settings[0], options)
    options["threads"] = options["threads"] or 1
    options, content = _everywhere(options, folder)
    plan = Plan(
        card=card, folder=folder.absolute(), data_root=places.data_root().absolute(), options=options,
        report=views[0], draw=views[1],
    )  # fmt: skip
    identity = (card, content, sorted((name, str(v)) for name, v in options.items() if name not in IRRELEVANT))
    runs = [
        Run(
            fields=setting, seed=each, folder=plan.folder / file_name(grid.label({**setting, "seed": each})),
            key=digest(repr((identity, setting, each)).encode()),
        )
        for setting in settings
        for each in range(seed, seed + seeds)
    ]  # fmt: skip
    outcomes = _outcomes(plan, runs, cluster)
    trials = [
        Trial(fields=each.fields, seed=each.seed, folder=each.folder, validation=o.validation, error=o.error)
        for each, o in zip(runs, outcomes, strict=True)
    ]
    return compared(card.name, folder, settings, trials)


def _check_options(setting: Fields, options: dict[str, Any]) -> None:
    """RefusedError for an option that goes with no setting."""
    for name in ("epochs", "layers"):
        if name in setting and options.get(name) not in {None, "auto"}:
            raise RefusedError(f"--{name} and --sweep {name}=...: give one of them")
    if options.get("layers") == "last" and setting:
        raise RefusedError(f"--sweep {next(iter(setting))}: the last layer alone has no recipe; goes with --layers all")


def _everywhere(options: dict[str, Any], folder: Path) -> tuple[dict[str, Any], str]:
    """The options with absolute paths, and a digest of the data. The parts of a folder are decided, for all runs."""
    options = options | {name: options[name].absolute() for name in ("teacher",) if options.get(name)}
    if not options["data"]:
        return options, ""
    owner = catalogue.dataset(options["data"])
    if not owner.root:
        return options, owner.digest
    parts = manifest.decide(owner, manifest.load(folder))
    manifest.save(parts, folder)
    return options | {"data": str(Path(options["data"]).absolute())}, digest(
        repr(parts.rows).encode("utf-8", "replace")
    )


def _outcomes(plan: Plan, runs: Sequence[Run], cluster: str | None) -> list[Outcome]:
    """Of all runs, in order."""
    done = {i: outcome for i, run in enumerate(runs) if (outcome := finished(run))}
    waiting = [i for i in range(len(runs)) if i not in done]
    if waiting:
        note(f"{len(runs):,} runs in {plan.folder}; {len(done):,} are finished")
        for i, outcome in zip(waiting, _trained(plan, [runs[i] for i in waiting], cluster), strict=True):
            done[i] = outcome
            name, found = runs[i].folder.name, outcome.validation
            note(f"{name}: {outcome.error or (found and f'{found.top1:.4f}')} ({len(done):,} of {len(runs):,})")
    return [done[i] for i in range(len(runs))]


def _trained(plan: Plan, runs: Sequence[Run], cluster: str | None) -> Iterator[Outcome]:
    """The outcomes of runs, in their order. Ray Tune keeps nothing: what a run has done is in its folder."""
    needs = {"CPU": plan.options["threads"]} | ({"GPU": 1} if plan.options["device"] == "cuda" else {})
    state = plan.folder / tune.STATE
    shutil.rmtree(state, ignore_errors=True)
    try:
        with Cluster(cluster, memory=SPACE, cores=max(os.cpu_count() or 1, needs["CPU"])) as nodes:
            where = "" if cluster is None else "node {node}: "
            outcomes = nodes.drive(tune.open_runs, plan, runs, needs, where)(range(len(runs)))
            yield from track(outcomes, len(runs), "sweep")
    finally:
        shutil.rmtree(state, ignore_errors=True)


def compared(model: str, folder: Path, settings: Sequence[Fields], trials: Sequence[Trial]) -> Sweep:
    """The settings with at least one run that did not fail. EyespotError if there is none."""
    rows = [row for fields in settings if (row := _setting(fields, [t for t in trials if t.fields == fields]))]
    if not rows:
        raise EyespotError(f"{folder}: all {len(trials):,} runs failed: {trials[0].error}")
    best = max(rows, key=lambda row: row.mean)
    chosen = max((t for t in trials if t.fields == best.fields and t.validation), key=_top1)
    return Sweep(
        folder=folder, model=model, best=best, chosen=folder / chosen.folder.name, settings=tuple(rows),
        trials=tuple(trials),
    )  # fmt: skip


def _setting(fields: Fields, trials: Sequence[Trial]) -> Setting | None:
    whole = [trial for trial in trials if trial.validation]
    if not whole:
        return None
    shares = [_top1(trial) for trial in whole]
    return Setting(
        fields=fields, seeds=tuple(trial.seed for trial in whole), mean=mean(shares),
        deviation=stdev(shares) if len(shares) > 1 else None, lowest=min(shares), highest=max(shares),
        n=whole[0].validation.n if whole[0].validation else 0,
    )  # fmt: skip


def _top1(trial: Trial) -> float:
    return trial.validation.top1 if trial.validation else 0.0
