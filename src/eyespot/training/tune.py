"""The runs of a sweep by Ray Tune, on this machine or on the nodes of a cluster.

this process -> an isolated driver -> Ray Tune -> a Ray worker for each run -> its isolated worker, which trains
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from typing import Any

from eyespot import isolation
from eyespot.errors import EyespotError, MissingExtraError, ToolStartError
from eyespot.evaluation.cluster import RETRIES, SPACE, UNLIMITED, check_software, software, until
from eyespot.training.trial import Outcome, Plan, Run, perform

STATE = ".ray-tune"  # Ray Tune's own files, within the folder of the sweep
QUIET = {"TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1", "RAY_AIR_NEW_OUTPUT": "0"}

outcomes: list[Future[Outcome]] = []  # of the driver's runs; not in `Watch`, which Tune saves


def open_runs(plan: Plan, runs: Sequence[Run], needs: Mapping[str, int], where: str) -> Callable[[int], Outcome]:
    """In the driver: start all runs, each on a node that has what it `needs` free.

    Returns a function from a run's place to its outcome. Errors of a run begin with `where` it ran, which may hold
    {node}.
    """
    os.environ |= QUIET
    import ray

    try:
        from ray import tune
    except ImportError as error:
        raise MissingExtraError("ray[tune]", "ray") from error
    if not any(all(node["Resources"].get(kind, 0) >= n for kind, n in needs.items()) for node in ray.nodes()):
        wanted = ", ".join(f"{n} {kind}" for kind, n in needs.items())
        raise ToolStartError(f"no node has what a run needs ({wanted}). Lower --threads, or choose another --device")
    outcomes[:] = [Future() for _ in runs]

    class Watch(tune.Callback):
        def on_trial_complete(self, trial: Any, **_: Any) -> None:
            _settle(trial.config["run"], trial.last_result["outcome"])

    shared = tune.with_parameters(trial, plan=plan, runs=runs, wanted=software(), where=where)
    resources = {kind.lower(): n for kind, n in needs.items()}
    tuner = tune.Tuner(
        tune.with_resources(shared, resources),
        param_space={"run": tune.grid_search(list(range(len(runs))))},
        run_config=tune.RunConfig(
            name=STATE, storage_path=str(plan.folder), verbose=0, callbacks=[Watch()],
            failure_config=tune.FailureConfig(max_failures=RETRIES),
        ),
    )  # fmt: skip
    threading.Thread(target=_fit, args=(tuner,), daemon=True).start()
    return lambda i: _outcome(outcomes[i])


def _settle(run: int, outcome: Outcome) -> None:
    outcomes[run].set_result(outcome)


def _fit(tuner: Any) -> None:
    """All runs. What has no outcome at the end has died each time."""
    words = "died again and again"
    try:
        errors = {result.config["run"]: str(result.error) for result in tuner.fit() if result.error and result.config}
    except Exception as error:
        errors, words = {}, f"Ray Tune failed: {error}"
    for i, outcome in enumerate(outcomes):
        if not outcome.done():
            last = errors.get(i, "").strip().splitlines()[-1:]
            outcome.set_result(Outcome(key="", error=": ".join([words, *last])))


def _outcome(outcome: Future[Outcome]) -> Outcome:
    until(lambda seconds: wait([outcome], seconds).done)
    return outcome.result()


def trial(config: Mapping[str, int], plan: Plan, runs: Sequence[Run], wanted: Mapping[str, str], where: str) -> None:
    """In a Ray worker: one run in an isolated worker, its error as a line."""
    import ray
    from ray import tune

    run = runs[config["run"]]
    try:
        check_software(wanted)
        outcome = isolation.run(perform, plan, run, seconds=UNLIMITED, memory=SPACE, name=run.folder.name)
    except EyespotError as error:
        outcome = Outcome(key="", error=f"{where.format(node=ray.util.get_node_ip_address())}{error}")
    tune.report({"outcome": outcome})
