"""What each mistake costs, and what cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from eyespot.evaluation.diagnosis import Alternative, Mistake
from eyespot.evaluation.doctor import ways
from eyespot.evaluation.doctor.search import Hypothesis, Search
from eyespot.evaluation.metrics import gain
from eyespot.preprocessing.pipeline import Pipeline, words


def costs(
    search: Search, leader: Hypothesis, using: Mapping[str, Any] | None
) -> tuple[Mistake | None, tuple[Mistake, ...], tuple[Alternative, ...]]:
    """The cost of the user's pipeline, of every mistake (the largest first), and what may be right too."""
    found, outputs = leader.pipeline, search.file.output.shape[-1]
    user = search.stated(found, using) if using else None
    changes = ways.parts(found, using) if using else {}
    changes |= ways.mistakes(found, search.file.input, turned=search.turned)
    search.trials.measure(
        [found, *changes.values(), *([user] if user else [])], 0, len(search.labels), "doctor: mistakes"
    )
    same, different = _grouped(search, found, changes)
    rivals = {change: leader._replace(pipeline=way) for change, way in different.items()}
    moved = [leader.labelling.shifted(by, outputs) for by in (-1, 1)]
    rivals |= {each.name: leader._replace(labelling=each) for each in moved}
    alike = [change for change, each in rivals.items() if not search.worse(leader, each)]
    near = [found, *(changes[change] for change in same), *(rivals[change].pipeline for change in alike)]
    alike += _other_survivors(search, leader, near, [found, *changes.values()])
    mistakes = [_cost(search, leader, change, each) for change, each in rivals.items()]
    return (
        _cost(search, leader, words(user), leader._replace(pipeline=user)) if user else None,
        tuple(sorted(mistakes, key=lambda each: -each.cost)),
        tuple(Alternative(change=change, identical=change in same) for change in [*same, *alike]),
    )


def _grouped(search: Search, found: Pipeline, changes: ways.Changes) -> tuple[list[str], ways.Changes]:
    """The changes that change no tensor, and the others, named together where their tensors are equal."""
    same, groups = list[str](), dict[Pipeline, list[str]]()
    for change, way in changes.items():
        if search.trials.identical(way, found):
            same.append(change)
        else:
            first = next((other for other in groups if search.trials.identical(way, other)), way)
            if first is way or change not in ways.CLASSIC:
                groups.setdefault(first, []).append(change)
    return same, {" = ".join(names): way for way, names in groups.items()}


def _other_survivors(
    search: Search, leader: Hypothesis, near: Iterable[Pipeline], judged: Iterable[Pipeline]
) -> list[str]:
    """Orders with ranges, and labels, that the first race left and that all images do not exclude.

    What is but an order and a range that are both `near` needs no mention.
    """
    asked = dict[str, Hypothesis]()
    for way, labelling in search.survivors:
        ordered = replace(leader.pipeline, order=way.order)
        ranged = replace(leader.pipeline, mean=way.mean, std=way.std, cast=way.cast)
        both = replace(ranged, order=way.order)
        if both not in judged and (ordered not in near or ranged not in near):
            asked[words(both)] = leader._replace(pipeline=both)
        if leader.labelling.name != "permutation" and not labelling.learned and labelling != leader.labelling:
            asked[labelling.name] = leader._replace(labelling=labelling)
    search.trials.measure((each.pipeline for each in asked.values()), 0, len(search.labels), "doctor: what else fits")
    return [name for name, each in asked.items() if not search.worse(leader, each)]


def _cost(search: Search, leader: Hypothesis, change: str, each: Hypothesis) -> Mistake:
    cost, low, high = gain(search.right(leader), search.right(each))
    return Mistake(change=change, cost=100 * cost, interval=(100 * low, 100 * high))
