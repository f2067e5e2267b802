"""The search for what a file wants to be fed.

Hypotheses (a pipeline and a labelling) race on growing parts of the first half of the images. One is dropped
if another one is better by an exact sign test of paired images: an image counts for the hypothesis that
places the right class higher. Each test is at the level LEVEL / tries, so that with probability 1 - LEVEL no
test drops the right hypothesis, whichever others it is compared with (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from eyespot.errors import BadArgumentError
from eyespot.evaluation import labels as labelling
from eyespot.evaluation import ways
from eyespot.evaluation.labels import Labelling
from eyespot.evaluation.trials import Trials
from eyespot.preprocessing.pipeline import Pipeline, Resize, changed
from eyespot.preprocessing.tensors import levels
from eyespot.quantity import at_least
from eyespot.tflite.read import File

LEVEL = 0.05
NEAR = 0.05  # the p at which the best is preferred to a plainer one, although both may be right
ROUNDS = (1 / 6, 1 / 2, 1)  # shares of the first half
RIVALS = 5  # with which each hypothesis is compared
LATER = 100  # tests after the first race, at most


class Hypothesis(NamedTuple):
    """How pictures are fed, and which output stands for which class."""

    pipeline: Pipeline
    labelling: Labelling


@dataclass
class Search:
    """The images, of which the first `half` choose, and what the tests have said.

    `own` is the pipeline of the file's contract. `survivors` are what the first race left; `worst` is the
    largest p of a test that excluded something.
    """

    file: File
    trials: Trials
    labels: NDArray[np.int64]
    half: int
    own: Pipeline | None
    tries: int = 1
    worst: float = 0.0
    survivors: list[Hypothesis] = field(default_factory=list)

    @property
    def turned(self) -> bool:
        """Whether a picture has an EXIF orientation other than upright."""
        return bool((self.trials.orientations > 1).any())

    def find(self, labellings: Sequence[Labelling], using: Mapping[str, Any] | None) -> Hypothesis:
        """The right hypothesis, up to those that no test can tell from it."""
        base = self.own or Pipeline(order=ways.orders(self.file.input)[0])
        numbers = ways.numbers(self.file.input, base).values()
        pipelines = [replace(way, order=order) for order in ways.orders(self.file.input) for way in numbers]
        pipelines += [self.stated(base, using)] if using else []
        grid = [Hypothesis(pipeline, each) for each in labellings for pipeline in pipelines]
        self.tries = len(grid) * len(ROUNDS) + LATER
        self.survivors = self._race(grid, "order, range, labels")
        leader = self._settled(self._plainest(self.survivors))
        alone = self._refined(leader, [*ways.fits(leader.pipeline).values(), *ways.filters(leader.pipeline).values()])
        left = {each.pipeline.filter for each in alone if each.pipeline.fitting == leader.pipeline.fitting}
        fits = [each.pipeline for each in alone if each.pipeline.filter == leader.pipeline.filter]
        together = [replace(way, filter=name) for way in fits for name in sorted(left)]
        rest = ways.rest(leader.pipeline, turned=self.turned).values()
        return self._plainest(self._refined(leader, [*(each.pipeline for each in alone), *together, *rest]))

    def stated(self, base: Pipeline, using: Mapping[str, Any]) -> Pipeline:
        """The user's pipeline, as `base` in what it does not state. BadArgumentError if the file cannot take it."""
        user = changed(base, using)
        try:
            levels(user, self.file.input)
        except ValueError as error:
            raise BadArgumentError(f"using: {error}") from error
        return user

    def worse(self, leader: Hypothesis, each: Hypothesis) -> bool:
        """Whether all images together exclude a hypothesis."""
        n = len(self.labels)
        return self._told_apart(_p(self._places(leader, n), self._places(each, n)))

    def right(self, each: Hypothesis) -> NDArray[np.bool_]:
        """Which images of the second half are answered correctly."""
        return labelling.correct(each.labelling, self.trials[each.pipeline], self.labels, self.half)

    def _refined(self, leader: Hypothesis, pipelines: Sequence[Pipeline]) -> list[Hypothesis]:
        """The leader, and those of other pipelines that no test excludes."""
        asked = [leader, *(leader._replace(pipeline=each) for each in pipelines)]
        return self._race(asked, "fit and filter", (1,))

    def _race(self, hypotheses: Sequence[Hypothesis], title: str, rounds: Sequence[float] = ROUNDS) -> list[Hypothesis]:
        """Those that no other one beats, in their order."""
        alive = list(dict.fromkeys(hypotheses))
        for share in rounds:
            stop = max(2, round(share * self.half))
            self.trials.measure((each.pipeline for each in alive), 0, stop, f"doctor: {title}")
            places = np.stack([self._places(each, stop) for each in alive])
            rivals = places[_best_first(places)[:RIVALS]]
            beaten = [self._told_apart(min(_p(rival, one) for rival in rivals)) for one in places]
            alive = [each for each, out in zip(alive, beaten, strict=True) if not out]
        return alive

    def _told_apart(self, p: float) -> bool:
        """Whether p is small enough, all tries considered; `worst` is then updated."""
        if p >= LEVEL / self.tries:
            return False
        self.worst = max(self.worst, p)
        return True

    def _plainest(self, alive: Sequence[Hypothesis]) -> Hypothesis:
        """The file's own contract, else the first that the best one is not clearly ahead of.

        Before others come known labels, undamaged and upright pictures, and what a contract can say.
        """
        places = np.stack([self._places(each, self.half) for each in alive])
        best = _best_first(places)[0]
        near = [each for i, each in enumerate(alive) if i == best or _p(places[best], places[i]) >= NEAR]
        owned = [each for each in alive if each.pipeline == self.own and not each.labelling.learned]
        return min(owned or near, key=_oddity)

    def _settled(self, leader: Hypothesis) -> Hypothesis:
        """With labels that, if they are learned, are learned from the whole first half."""
        if not leader.labelling.learned:
            return leader
        record = self.trials[leader.pipeline]
        return leader._replace(labelling=labelling.learn(record, self.labels, np.arange(self.half)))

    def _places(self, each: Hypothesis, stop: int) -> NDArray[np.int64]:
        return labelling.places(each.labelling, self.trials[each.pipeline], self.labels, stop)


def _best_first(places: NDArray[np.int64]) -> list[int]:
    return sorted(range(len(places)), key=lambda i: (-(places[i] == 0).sum(), places[i].sum()))


def _p(better: NDArray[np.int64], worse: NDArray[np.int64]) -> float:
    """The p of the one-sided exact sign test that the second places the right class lower than the first."""
    won, lost = int((better < worse).sum()), int((better > worse).sum())
    return at_least(won, won + lost, 0.5)


def _oddity(each: Hypothesis) -> tuple[bool, ...]:
    way = each.pipeline
    beyond = way.fit == "letterbox" or way.filter not in get_args(Resize) or way.cast != "quantized"
    return each.labelling.learned, way.damage != "none", not way.upright, beyond
