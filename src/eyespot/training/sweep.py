"""A sweep: one model trained with several settings and seeds, compared on validation images alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from eyespot.artifacts import places
from eyespot.data import catalogue, manifest
from eyespot.errors import EyespotError, RefusedError
from eyespot.escaping import file_name
from eyespot.evaluation.cluster import SPACE, Cluster
from eyespot.progress import note, track
from eyespot.quantity import wilson
from eyespot.training import grid, tune
from eyespot.training.grid import Fields
from eyespot.training.outcome import Setting, Sweep, Trial
from eyespot.training.trial import Plan, finished
from eyespot.zoo.cards import Model


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
    options, content = _everywhere(options, folder)
    plan = Plan(
        card=card, folder=folder.absolute(), data_root=places.data_root().absolute(), content=content,
        options=options, report=views[0], draw=views[1],
    )  # fmt: skip
    trials = [
        Trial(
            fields=setting, seed=each, validation=None, error="",
            folder=plan.folder / file_name(grid.label({**setting, "seed": each})),
        )
        for setting in settings
        for each in range(seed, seed + seeds)
    ]  # fmt: skip
    return compared(card.name, folder, settings, _performed(plan, trials, cluster))


def _check_options(setting: Fields, options: dict[str, Any]) -> None:
    """RefusedError for an option that goes with no setting."""
    for name in ("epochs", "layers"):
        if name in setting and options.get(name) not in {None, "auto"}:
            raise RefusedError(f"--{name} and --sweep {name}=...: give one of them")
    if options.get("layers") == "last" and setting:
        raise RefusedError(f"--sweep {next(iter(setting))}: the last layer alone has no recipe; goes with --layers all")


def _everywhere(options: dict[str, Any], folder: Path) -> tuple[dict[str, Any], str]:
    """The options with absolute paths, and a digest of the data. The parts of a folder are decided for all runs."""
    options["threads"] = options["threads"] or 1
    if options.get("teacher"):
        options["teacher"] = options["teacher"].absolute()
    owner = catalogue.dataset(options["data"]) if options["data"] else None
    if owner is None or not owner.root:
        return options, owner.digest if owner else ""
    parts = manifest.decide(owner, manifest.load(folder))
    manifest.save(parts, folder)
    return options | {"data": str(Path(options["data"]).absolute())}, parts.digest


def _performed(plan: Plan, trials: Sequence[Trial], cluster: str | None) -> list[Trial]:
    """All runs with their results, in order."""
    done = {i: replace(each, validation=found) for i, each in enumerate(trials) if (found := finished(plan, each))}
    waiting = [i for i in range(len(trials)) if i not in done]
    if waiting:
        note(f"{len(trials):,} runs in {plan.folder}; {len(done):,} are finished")
        for i, (found, error) in zip(waiting, _results(plan, [trials[i] for i in waiting], cluster), strict=True):
            done[i] = replace(trials[i], validation=found, error=error)
            outcome = f"{found.top1:.4f}" if found else error
            note(f"{trials[i].folder.name}: {outcome} ({len(done):,} of {len(trials):,})")
    return [done[i] for i in range(len(trials))]


def _results(plan: Plan, trials: Sequence[Trial], cluster: str | None) -> Iterator[tune.Result]:
    """The results of runs, in their order. What a run has done is in its folder; Ray Tune's state is not kept."""
    needs = {"CPU": plan.options["threads"]} | ({"GPU": 1} if plan.options["device"] == "cuda" else {})
    where = "" if cluster is None else "node {node}: "
    try:
        with Cluster(cluster, memory=SPACE, cores=max(os.cpu_count() or 1, needs["CPU"])) as nodes:
            results = nodes.drive(tune.open_trials, plan, trials, needs, where)(range(len(trials)))
            yield from track(results, len(trials), "sweep")
    finally:
        shutil.rmtree(plan.folder / tune.STATE, ignore_errors=True)


def compared(model: str, folder: Path, settings: Sequence[Fields], trials: Sequence[Trial]) -> Sweep:
    """The settings with at least one run that did not fail. EyespotError if there is none."""
    rows = [row for fields in settings if (row := _setting(fields, trials))]
    if not rows:
        raise EyespotError(f"{folder}: all {len(trials):,} runs failed: {trials[0].error}")
    best = max(rows, key=lambda row: row.mean)
    top1 = {t.folder.name: t.validation.top1 for t in trials if t.validation and t.fields == best.fields}
    return Sweep(
        folder=folder, model=model, best=best, chosen=folder / max(top1, key=lambda name: top1[name]),
        settings=tuple(rows), trials=tuple(trials),
    )  # fmt: skip


def _setting(fields: Fields, trials: Sequence[Trial]) -> Setting | None:
    """A row of the table."""
    found = {t.seed: t.validation for t in trials if t.fields == fields and t.validation}
    if not found:
        return None
    top1, n = [each.top1 for each in found.values()], next(iter(found.values())).n
    low, high = wilson(round(mean(top1) * n), n)
    return Setting(
        fields=fields, seeds=tuple(found), mean=mean(top1), low=low, high=high,
        deviation=stdev(top1) if len(top1) > 1 else None, lowest=min(top1), highest=max(top1), n=n,
    )  # fmt: skip
