"""Which output of a file stands for which class of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.evaluation.trials import TOP, Record

NEVER = -2  # the output of a class that the file does not have
ENOUGH = 5  # images of a class from which its output can be learned


@dataclass(frozen=True)
class Labelling:
    """`outputs[label]` is the output for a class; without them the outputs are learned from the answers."""

    name: str
    outputs: tuple[int, ...] = ()

    @property
    def learned(self) -> bool:
        """Whether the outputs are learned."""
        return not self.outputs

    def shifted(self, by: int, classes: int) -> Labelling:
        """The same, one or more outputs further."""
        outputs = tuple(o + by if 0 <= o + by < classes else NEVER for o in self.outputs)
        return Labelling(f"labels {by:+d}", outputs)


def labellings(labels: NDArray[np.int64], names: Sequence[str], own: Sequence[str], outputs: int) -> list[Labelling]:
    """The plausible ones, the plainest first: by name, by number (offset -1, 0 or +1), learned.

    `names` are the data's classes (() if only numbers are known), `own` the file's.
    """
    classes, found = len(names) or int(labels.max()) + 1, list[Labelling]()
    known = {name.casefold(): place for place, name in enumerate(own)}
    if names and all(name.casefold() in known for name in names):
        found.append(Labelling("by name", tuple(known[name.casefold()] for name in names)))
    for offset in (0, 1, -1):
        moved = Labelling("", tuple(range(classes))).shifted(offset, outputs)
        valid = np.isin(np.array(moved.outputs)[labels], NEVER, invert=True).mean()
        if valid > 0.8 and all(moved.outputs != each.outputs for each in found):
            found.append(Labelling(f"label offset {offset}", moved.outputs))
    if np.median(np.bincount(labels)[np.unique(labels)]) >= ENOUGH:
        found.append(Labelling("learned"))
    return found


def places(labelling: Labelling, record: Record, labels: NDArray[np.int64], stop: int) -> NDArray[np.int64]:
    """How many outputs are larger than the right one, for the first `stop` images; TOP stands for more.

    Learned outputs come from the other half of these images.
    """
    if not labelling.learned:
        return _places(record, np.array(labelling.outputs)[labels[:stop]], slice(0, stop))
    found = np.empty(stop, np.int64)
    order = np.argsort(labels[:stop], kind="stable")
    halves = np.empty(stop, np.int64)
    halves[order] = (np.arange(stop) - np.searchsorted(labels[order], labels[order])) % 2  # in turn, by class
    for half in (0, 1):
        judged = np.flatnonzero(halves == half)
        learned = learn(record, labels, np.flatnonzero(halves != half))
        found[judged] = _places(record, np.array(learned.outputs)[labels[judged]], judged)
    return found


def _places(record: Record, right: NDArray[np.int64], images: slice | NDArray[np.int64]) -> NDArray[np.int64]:
    hits = record.answers[images] == right[:, None]
    return np.where(hits, record.places[images], TOP).min(1)


def correct(labelling: Labelling, record: Record, labels: NDArray[np.int64], start: int) -> NDArray[np.bool_]:
    """Whether the largest output (of equal ones the first) is the right one, for the images from `start`."""
    right: NDArray[np.bool_] = record.answers[start:, 0] == np.array(labelling.outputs)[labels[start:]]
    return right


def learn(record: Record, labels: NDArray[np.int64], images: NDArray[np.int64]) -> Labelling:
    """The outputs that make most answers for `images` right, each output for one class at most."""
    classes, rows = np.unique(labels[images], return_inverse=True)
    used, columns = np.unique(record.answers[images, 0], return_inverse=True)
    counts = np.zeros((len(classes), max(len(classes), len(used))), np.int64)
    np.add.at(counts, (rows, columns), 1)
    outputs = np.full(int(labels.max()) + 1, NEVER)
    for row, column in enumerate(assign(-counts)):
        if counts[row, column]:
            outputs[classes[row]] = used[column]
    return Labelling("permutation", tuple(outputs.tolist()))


def assign(costs: NDArray[np.int64]) -> list[int]:
    """The column of each row (rows, columns at least as many) so that the sum of costs is the least.

    The Hungarian method with potentials (Kuhn 1955, Munkres 1957), one shortest path for each row.
    """
    rows, columns = costs.shape
    u, v = np.zeros(rows + 1), np.zeros(columns + 1)
    owner = np.zeros(columns + 1, int)  # the row of each column, 0 for none
    for row in range(1, rows + 1):
        owner[0], column = row, 0
        least, came, used = np.full(columns + 1, np.inf), np.zeros(columns + 1, int), np.zeros(columns + 1, bool)
        while owner[column]:
            used[column] = True
            reduced = costs[owner[column] - 1] - u[owner[column]] - v[1:]
            better = ~used[1:] & (reduced < least[1:])
            least[1:][better], came[1:][better] = reduced[better], column
            following = int(np.where(used[1:], np.inf, least[1:]).argmin()) + 1
            step = least[following]
            np.add.at(u, owner[used], step)
            v[used] -= step
            least[~used] -= step
            column = following
        while column:
            owner[column], column = owner[came[column]], came[column]
    place = np.empty(rows, int)
    place[owner[1:][owner[1:] > 0] - 1] = np.flatnonzero(owner[1:])
    return [int(each) for each in place]
