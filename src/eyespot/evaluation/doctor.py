"""What a file wants to be fed, found by trying, and what each mistake costs.

Hypotheses (a pipeline and a labelling) race on growing parts of the first half of the images. One is dropped
if another one is better by an exact sign test of paired images: an image counts for the pipeline that places
the right class higher. Each test is at the level LEVEL / tries, so that with probability 1 - LEVEL none of
the tests drops the right hypothesis, whichever of the others it is compared with (Bonferroni). The second
half gives top-1 and the costs, with which nothing was chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyespot.data.split import Split
from eyespot.errors import BadArgumentError, MissingDataError
from eyespot.evaluation import labels as labelling
from eyespot.evaluation import ways
from eyespot.evaluation.diagnosis import Alternative, Diagnosis, Found, Mistake
from eyespot.evaluation.labels import Labelling
from eyespot.evaluation.trials import Trials
from eyespot.preprocessing.pipeline import Pipeline, changed, pipeline_of, words
from eyespot.quantity import at_least, paired, wilson
from eyespot.tflite.read import File

LEVEL = 0.05
ROUNDS = (1 / 6, 1 / 2, 1)  # shares of the first half
RIVALS = 5  # with which each hypothesis is compared
LATER = 100  # tests after the first search, at most
FEWEST = 20  # images
SKILL = 0.1  # of what lies between the majority's share and 1; a learned labelling must explain more
LEARNED_SKILL = 0.35


class Hypothesis(NamedTuple):
    """How pictures are fed, and which output stands for which class."""

    pipeline: Pipeline
    labelling: Labelling


@dataclass
class Search:
    """The images (the first `half` of them choose), and what the tests have said."""

    file: File
    trials: Trials
    labels: NDArray[np.int64]
    half: int
    tries: int = 1
    worst: float = 0.0  # the largest p of a dropped hypothesis
    survivors: list[Hypothesis] = field(default_factory=list)

    def race(self, hypotheses: Sequence[Hypothesis], title: str, rounds: Sequence[float] = ROUNDS) -> list[Hypothesis]:
        """Those that no other one beats, best first; of equally good ones the first."""
        alive = list(hypotheses)
        for share in rounds:
            stop = max(2, round(share * self.half))
            self.trials.measure((each.pipeline for each in alive), 0, stop, title)
            places = np.stack([self.places(each, stop) for each in alive])
            order = sorted(range(len(alive)), key=lambda i: (-(places[i] == 0).sum(), places[i].sum()))
            alive = [alive[i] for i in order if not self._beaten(places, i, order[:RIVALS])]
        return alive

    def places(self, each: Hypothesis, stop: int) -> NDArray[np.int64]:
        """See `labels.places`."""
        return labelling.places(each.labelling, self.trials[each.pipeline], self.labels, stop)

    def _beaten(self, places: NDArray[np.int64], one: int, rivals: Sequence[int]) -> bool:
        return self.told_apart(min(_worse(places[rival], places[one]) for rival in rivals))

    def told_apart(self, p: float) -> bool:
        """Whether p is small enough, all tries considered; `worst` is then updated."""
        if p >= LEVEL / self.tries:
            return False
        self.worst = max(self.worst, p)
        return True

    def right(self, each: Hypothesis) -> NDArray[np.bool_]:
        """Which images of the second half are answered correctly."""
        return labelling.correct(each.labelling, self.trials[each.pipeline], self.labels, self.half)


def _worse(better: NDArray[np.int64], worse: NDArray[np.int64]) -> float:
    """The p of one-sided exact sign test that the second places the right class lower than the first."""
    won, lost = int((better < worse).sum()), int((better > worse).sum())
    return at_least(won, won + lost, 0.5)


def diagnose(
    file: File, split: Split, trials: Trials, half: int, using: Mapping[str, Any] | None = None, name: str = ""
) -> Diagnosis:
    """Find what the file wants; `using` are the fields of the user's own pipeline (see `pipeline.parse`).

    MissingDataError for too few images; errors as `evaluate`.
    """
    labels = split.labels[list(trials.images)]
    if len(labels) < FEWEST:
        raise MissingDataError(f"{split.data}: {len(labels)} images; a diagnosis needs {FEWEST} or more. Add some")
    search = Search(file, trials, labels, half)
    own = pipeline_of(file.contract.preprocessing) if file.contract else None
    leader = _find(search, own, using, labelling.labellings(labels, split.classes, _classes(file), _outputs(file)))
    majority = np.bincount(labels[half:]).max() / len(labels[half:])
    if not _works(search, leader, majority):
        return _nothing(search, leader, split, name, majority)
    return _priced(search, leader, own, using, split, name, majority)


def _classes(file: File) -> tuple[str, ...]:
    return file.contract.classes if file.contract else ()


def _outputs(file: File) -> int:
    return int(file.output.shape[-1])


def _find(
    search: Search, own: Pipeline | None, using: Mapping[str, Any] | None, labelled: Sequence[Labelling]
) -> Hypothesis:
    """The best hypothesis; the file's own contract if nothing beats it."""
    tensor = search.file.input
    base = own or Pipeline(order=ways.orders(tensor)[0])
    pipelines = [
        changed(way, {"order": order}) for order in ways.orders(tensor) for way in ways.numbers(tensor, base).values()
    ]
    pipelines += [user] if using and (user := _user(base, using, search.file)) not in pipelines else []
    grid = [Hypothesis(pipeline, each) for each in labelled for pipeline in pipelines]
    search.tries = len(grid) * len(ROUNDS) + LATER
    search.survivors = search.race(grid, "order, range and labels")
    leader = _settled(search, _plain(search.survivors, own))
    turned = bool((search.trials.orientations > 1).any())
    changes = ways.fits(leader.pipeline) | ways.filters(leader.pipeline)
    single = search.race(_with(leader, [leader.pipeline, *changes.values()]), "fit and filter", (1,))
    fits = {each.pipeline.fitting: each.pipeline for each in single if each.pipeline.filter == leader.pipeline.filter}
    names = {each.pipeline.filter for each in single if each.pipeline.fitting == leader.pipeline.fitting}
    together = [replace(way, filter=name) for way in fits.values() for name in sorted(names)]
    others = ways.rest(leader.pipeline, turned=turned).values()
    final = search.race(_with(leader, [*(e.pipeline for e in single), *together, *others]), "together", (1,))
    return _plain(final, own)


def _user(base: Pipeline, using: Mapping[str, Any], file: File) -> Pipeline:
    """The user's pipeline, what it does not state as in `base`. BadArgumentError if the file cannot be fed so."""
    from eyespot.preprocessing.tensors import levels

    user = changed(base, using)
    try:
        levels(user, file.input)
    except ValueError as error:
        raise BadArgumentError(f"using: {error}") from error
    return user


def _with(leader: Hypothesis, pipelines: Sequence[Pipeline]) -> list[Hypothesis]:
    return [Hypothesis(each, leader.labelling) for each in dict.fromkeys(pipelines)]


def _plain(hypotheses: Sequence[Hypothesis], own: Pipeline | None) -> Hypothesis:
    """The first one, but rather the file's own contract, known labels, and pictures without damage."""

    def oddity(each: Hypothesis) -> tuple[bool, ...]:
        way = each.pipeline
        return each.labelling.learned, way != own and own is not None, way.damage != "none", not way.upright

    return min(hypotheses, key=oddity)


def _settled(search: Search, leader: Hypothesis) -> Hypothesis:
    """With a labelling that is learned from the whole first half."""
    if not leader.labelling.learned:
        return leader
    record = search.trials[leader.pipeline]
    return leader._replace(labelling=labelling.learn(record, search.labels, np.arange(search.half)))


def _works(search: Search, leader: Hypothesis, majority: float) -> bool:
    """Whether the second half's top-1 is beyond what always answering the commonest class gives."""
    search.trials.measure([leader.pipeline], search.half, len(search.labels), "top-1")
    right = search.right(leader)
    k, n = int(right.sum()), len(right)
    least = LEARNED_SKILL if leader.labelling.name == "permutation" else SKILL
    skill = (k / n - majority) / (1 - majority) if majority < 1 else 0.0
    return skill >= least and at_least(k, n, majority) < LEVEL / 5


def _nothing(search: Search, leader: Hypothesis, split: Split, name: str, majority: float) -> Diagnosis:
    return Diagnosis(
        model=name, data=split.data, split=split.name, images=len(search.labels), tries=search.tries,
        majority=float(majority), best=float(search.right(leader).mean()),
        contract="not judged" if search.file.contract else "none", found=None, using=None, mistakes=(),
        indistinguishable=(),
        next="check that the classes of the data are those of the file, and that its weights are trained",
    )  # fmt: skip


def _priced(
    search: Search, leader: Hypothesis, own: Pipeline | None, using: Mapping[str, Any] | None, split: Split,
    name: str, majority: float,
) -> Diagnosis:  # fmt: skip
    """The costs of all mistakes, on the second half, and what cannot be told apart on all images."""
    found, tensor = leader.pipeline, search.file.input
    turned = bool((search.trials.orientations > 1).any())
    changes = ways.singles(found, tensor, turned=turned) | ways.classics(found, tensor)
    user = _user(found, using, search.file) if using else None
    changes |= ways.parts(found, using) if using else {}
    asked = [*changes.values(), *([user] if user else []), *(each.pipeline for each in search.survivors)]
    search.trials.measure([found, *asked], 0, len(search.labels), "mistakes")
    outputs = _outputs(search.file)
    rivals = {change: Hypothesis(way, leader.labelling) for change, way in changes.items()}
    shifted = (leader.labelling.shifted(by, outputs) for by in (-1, 1))
    rivals |= {each.name: Hypothesis(found, each) for each in shifted}
    others = {_named(found, each): each for each in search.survivors if not each.labelling.learned}
    alike = [
        Alternative(change=change, identical=search.trials.identical(found, each.pipeline))
        for change, each in (rivals | others).items()
        if each != leader and not _clearly_worse(search, leader, each)
    ]
    return Diagnosis(
        model=name, data=split.data, split=split.name, images=len(search.labels), tries=search.tries,
        majority=float(majority), best=float(search.right(leader).mean()),
        contract=_judged(own, leader, alike), found=_stated(search, leader),
        using=_cost(search, leader, words(user), Hypothesis(user, leader.labelling)) if user else None,
        mistakes=tuple(sorted(_mistakes(search, leader, rivals), key=lambda each: -each.cost)),
        indistinguishable=tuple(alike), next="",
    )  # fmt: skip


def _named(found: Pipeline, each: Hypothesis) -> str:
    return f"{words(each.pipeline)}, {each.labelling.name}"


def _clearly_worse(search: Search, leader: Hypothesis, each: Hypothesis) -> bool:
    n = len(search.labels)
    return search.told_apart(_worse(search.places(leader, n), search.places(each, n)))


def _mistakes(search: Search, leader: Hypothesis, rivals: Mapping[str, Hypothesis]) -> list[Mistake]:
    return [_cost(search, leader, change, each) for change, each in rivals.items()]


def _cost(search: Search, leader: Hypothesis, change: str, each: Hypothesis) -> Mistake:
    best, worse = search.right(leader), search.right(each)
    won, lost, n = int((best & ~worse).sum()), int((worse & ~best).sum()), len(best)
    low, high = paired(won, lost, n)
    return Mistake(change=change, cost=100 * (won - lost) / n, interval=(100 * low, 100 * high))


def _judged(own: Pipeline | None, leader: Hypothesis, alike: Sequence[Alternative]) -> str:
    if own is None:
        return "none"
    return "confirmed" if leader.pipeline == own else "contradicted"


def _stated(search: Search, leader: Hypothesis) -> Found:
    right, way, outputs = search.right(leader), leader.pipeline, leader.labelling.outputs
    offsets = {o - label for label, o in enumerate(outputs) if o != labelling.NEVER}
    k, n = int(right.sum()), len(right)
    return Found(
        words=words(way), order=way.order, range=way.range, cast=way.cast, resize=way.filter, crop=way.fitting,
        label_offset=offsets.pop() if len(offsets) == 1 else 0,
        label_permutation=() if not offsets else tuple(max(-1, o) for o in outputs),
        certainty=max(0.0, 1 - search.tries * search.worst) if search.worst else 0.0,
        top1=k / n, interval=wilson(k, n), n=n,
    )  # fmt: skip
