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
from eyespot.artifacts.measurements import Subset
from eyespot.errors import EyespotError, MissingExtraError, ToolStartError
from eyespot.evaluation.cluster import RETRIES, SPACE, UNLIMITED, check_software, software, until
from eyespot.training.outcome import Trial
from eyespot.training.trial import Plan, perform

STATE = ".ray-tune"  # Ray Tune's own files, within the folder of the sweep
QUIET = {"TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1", "RAY_AIR_NEW_OUTPUT": "0"}

Result = tuple[Subset | None, str]  # top-1, or why a run failed

results: list[Future[Result]] = []  # of the driver; not in `Watch`, which Tune saves


def open_trials(
    plan: Plan, trials: Sequence[Trial], needs: Mapping[str, int], where: str
) -> Callable[[int], Result]:  # fmt: skip
    """In the driver: start all runs, each on a node that has what it `needs` free, such as {"CPU": 1}.

    Returns a function from a run's place to its result. An error begins with `where`, whose {node} is replaced.
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
    results[:] = [Future() for _ in trials]

    class Watch(tune.Callback):
        def on_trial_complete(self, trial: Any, **_: Any) -> None:
            _settle(trial.config["place"], trial.last_result["result"])

    shared = tune.with_parameters(run, plan=plan, trials=trials, wanted=software(), where=where)
    tuner = tune.Tuner(
        tune.with_resources(shared, {kind.lower(): n for kind, n in needs.items()}),
        param_space={"place": tune.grid_search(list(range(len(trials))))},
        run_config=tune.RunConfig(
            name=STATE, storage_path=str(plan.folder), verbose=0, callbacks=[Watch()],
            failure_config=tune.FailureConfig(max_failures=RETRIES),
        ),
    )  # fmt: skip
    threading.Thread(target=_fit, args=(tuner,), daemon=True).start()
    return _result


def _settle(place: int, result: Result) -> None:
    results[place].set_result(result)


def _fit(tuner: Any) -> None:
    """All runs. One without a result at the end has died each time."""
    try:
        died = {each.config["place"]: str(each.error) for each in tuner.fit() if each.error and each.config}
        words = "died again and again"
    except Exception as error:
        died, words = {}, f"Ray Tune failed: {error}"
    for place, result in enumerate(results):
        if not result.done():
            result.set_result((None, ": ".join([words, *died.get(place, "").strip().splitlines()[-1:]])))


def _result(place: int) -> Result:
    until(lambda seconds: wait([results[place]], seconds).done)
    return results[place].result()


def run(config: Mapping[str, int], plan: Plan, trials: Sequence[Trial], wanted: Mapping[str, str], where: str) -> None:
    """In a Ray worker: one run in an isolated worker, its error as a line."""
    import ray
    from ray import tune

    trial = trials[config["place"]]
    result: Result
    try:
        check_software(wanted)
        result = isolation.run(perform, plan, trial, seconds=UNLIMITED, memory=SPACE, name=trial.folder.name), ""
    except EyespotError as error:
        result = None, f"{where.format(node=ray.util.get_node_ip_address())}{error}"
    tune.report({"result": result})
