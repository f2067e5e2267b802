"""The search for what a file wants to be fed.

Hypotheses (a pipeline and a labelling) race on growing parts of the first half of the images. One is dropped
if another one is better by an exact sign test of paired images: an image counts for the hypothesis that
places the right class higher. Each test is at the level LEVEL / tries, so that with probability 1 - LEVEL no
test drops the right hypothesis, whichever others it is compared with (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from eyespot.errors import BadArgumentError
from eyespot.evaluation.doctor import ways
from eyespot.evaluation.doctor.labels import Ints, Labelling, learn, places
from eyespot.evaluation.trials import Trials
from eyespot.preprocessing.pipeline import Pipeline
from eyespot.preprocessing.spec import Resize
from eyespot.preprocessing.tensors import levels
from eyespot.quantity import at_least
from eyespot.tflite.read import File

LEVEL = 0.05
NEAR = 0.05  # the p at which the best is preferred to a plainer one, although both may be right
ROUNDS = (1 / 6, 1 / 2, 1)  # shares of the first half
RIVALS = 5  # with which each hypothesis is compared
LATER = 120  # tests after the first race, at most
DOUBTFUL = 1_500  # images that choose, if there are twice as many, where the file's own contract may be wrong


class Hypothesis(NamedTuple):
    """How pictures are fed, and which output stands for which class."""

    pipeline: Pipeline
    labelling: Labelling


@dataclass
class Search:
    """The images, of which the first `half` choose, more in doubt, and what the tests have said.

    `own` is the pipeline of the file's contract. `survivors` are what the first race left; `worst` is the
    largest p of a test that excluded something.
    """

    file: File
    trials: Trials
    labels: Ints
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
        orders = ways.orders(self.file.input)
        base = self.own or Pipeline(order=orders[0])
        numbers = [base, *ways.numbers(self.file.input, base).values()]
        pipelines = [replace(way, order=order) for order in orders for way in numbers]
        pipelines += [self.stated(base, using)] if using else []
        grid = [Hypothesis(pipeline, each) for each in labellings for pipeline in pipelines]
        self.tries = len(grid) * len(ROUNDS) + LATER
        self.survivors = self._settled(self._race(grid, "order, range, labels", ROUNDS))
        leader = self._plainest(self.survivors)
        if leader.labelling.learned:
            record, classes = self.trials[leader.pipeline][: self.half], int(self.labels.max()) + 1
            leader = leader._replace(labelling=learn(record, self.labels[: self.half], classes))
        return self._refined(leader)

    def _settled(self, alive: list[Hypothesis]) -> list[Hypothesis]:
        """The survivors without the file's own contract, if more images exclude it.

        It would be preferred, and on few images a wrong one survives.
        """
        best, near = self._leading(alive)
        doubtful = [each for each in alive if self._owns(each) and each not in near]
        more = min(DOUBTFUL, len(self.labels) // 2)
        if not doubtful or more <= self.half:
            return alive
        self.half = more
        self.trials.measure((each.pipeline for each in alive), 0, more, "doctor: own contract")
        kept = self._race([best, *doubtful], "own contract", (1,))
        return [each for each in alive if each in kept or each not in doubtful]

    def _owns(self, each: Hypothesis) -> bool:
        """Whether it is the file's own contract."""
        return each.pipeline == self.own and not each.labelling.learned

    def _refined(self, leader: Hypothesis) -> Hypothesis:
        """The leader with the best fit and filter, first one of them changed, then both, and the rest."""
        found = leader.pipeline
        alone = self._others(leader, ways.others(found, [*ways.FITS, *ways.FILTERS]).values())
        filters = sorted({way.filter for way in alone if way.fitting == found.fitting})
        fits = [way for way in alone if way.filter == found.filter]
        together = [replace(way, filter=name) for way in fits for name in filters]
        rest = ways.others(found, ways.rest(turned=self.turned)).values()
        best = self._others(leader, [*alone, *together, *rest])
        return self._plainest([leader._replace(pipeline=way) for way in best])

    def _others(self, leader: Hypothesis, pipelines: Iterable[Pipeline]) -> list[Pipeline]:
        """The leader's pipeline, and those of others that no test excludes."""
        asked = [leader, *(leader._replace(pipeline=way) for way in pipelines)]
        return [each.pipeline for each in self._race(asked, "fit and filter", (1,))]

    def stated(self, base: Pipeline, using: Mapping[str, Any]) -> Pipeline:
        """The user's pipeline, as `base` in what it does not state. BadArgumentError if the file cannot take it."""
        try:
            levels(user := replace(base, **using), self.file.input)
        except ValueError as error:
            raise BadArgumentError(f"using: {error}") from error
        return user

    def worse(self, leader: Hypothesis, each: Hypothesis) -> bool:
        """Whether all images together exclude a hypothesis."""
        n = len(self.labels)
        return self._excludes(_p(self._places(leader, n), self._places(each, n)))

    def right(self, each: Hypothesis) -> NDArray[np.bool_]:
        """Which images of the second half have the right class as their first answer (of equal ones the first)."""
        first = self.trials[each.pipeline]["outputs"][self.half :, 0]
        return np.asarray(first == np.array(each.labelling.outputs)[self.labels[self.half :]])

    def _race(self, hypotheses: Iterable[Hypothesis], title: str, rounds: Sequence[float]) -> list[Hypothesis]:
        """Those that no other one beats, in their order."""
        alive = list(dict.fromkeys(hypotheses))
        for share in rounds:
            stop = max(2, round(share * self.half))
            self.trials.measure((each.pipeline for each in alive), 0, stop, f"doctor: {title}")
            placed = np.stack([self._places(each, stop) for each in alive])
            rivals = placed[_best_first(placed)[:RIVALS]]
            beaten = [self._excludes(min(_p(rival, one) for rival in rivals)) for one in placed]
            alive = [each for each, out in zip(alive, beaten, strict=True) if not out]
        return alive

    def _excludes(self, p: float) -> bool:
        """Whether p is small enough, all tries considered; `worst` is then updated."""
        excluded = p < LEVEL / self.tries
        self.worst = max(self.worst, p) if excluded else self.worst
        return excluded

    def _plainest(self, alive: Sequence[Hypothesis]) -> Hypothesis:
        """The file's own contract, else the first that the best one is not clearly ahead of.

        Before others come known labels, undamaged and upright pictures, and what a contract can say.
        """
        owned = [each for each in alive if self._owns(each)]
        return min(owned or self._leading(alive)[1], key=_oddity)

    def _leading(self, alive: Sequence[Hypothesis]) -> tuple[Hypothesis, list[Hypothesis]]:
        """The best on the first half, and those that it is not clearly ahead of."""
        placed = np.stack([self._places(each, self.half) for each in alive])
        best = _best_first(placed)[0]
        return alive[best], [e for e, one in zip(alive, placed, strict=True) if _p(placed[best], one) >= NEAR]

    def _places(self, each: Hypothesis, stop: int) -> Ints:
        return places(each.labelling, self.trials[each.pipeline], self.labels, stop)


def _best_first(places: Ints) -> list[int]:
    return sorted(range(len(places)), key=lambda i: (-(places[i] == 0).sum(), places[i].sum()))


def _p(better: Ints, worse: Ints) -> float:
    """The p of the one-sided exact sign test that the second places the right class lower than the first."""
    won, lost = int((better < worse).sum()), int((better > worse).sum())
    return at_least(won, won + lost, 0.5)


def _oddity(each: Hypothesis) -> tuple[bool, ...]:
    way = each.pipeline
    beyond = way.fit == "letterbox" or way.filter not in get_args(Resize) or way.cast != "quantized"
    return each.labelling.learned, way.damage != "none", not way.upright, beyond
