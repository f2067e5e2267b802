"""Which output of a file stands for which class of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.evaluation.trials import TOP, Record, turns

Ints = NDArray[np.int64]

NEVER = -2  # the output of a class that the file does not have
ENOUGH = 5  # images of a class from which its output can be learned


@dataclass(frozen=True)
class Labelling:
    """`outputs[label]` is the output for a class; without them the outputs are learned from the answers."""

    name: str
    outputs: tuple[int, ...] = ()

    @property
    def learned(self) -> bool:
        """Whether the outputs are still to be learned."""
        return not self.outputs

    @property
    def offset(self) -> int | None:
        """How far all outputs lie from their labels, None if they differ."""
        offsets = {output - label for label, output in enumerate(self.outputs) if output != NEVER}
        return offsets.pop() if len(offsets) == 1 else None

    def shifted(self, by: int, outputs: int) -> Labelling:
        """The same for a file with so many outputs, one or more of them further."""
        name = f"labels {by:+d}" if self.offset is None else f"label offset {self.offset + by}"
        return Labelling(name, tuple(o + by if 0 <= o + by < outputs else NEVER for o in self.outputs))


def labellings(labels: Ints, names: Sequence[str], own: Sequence[str], outputs: int) -> list[Labelling]:
    """The plausible ones, the plainest first: by name, by number (offset -1, 0 or +1), learned.

    `names` are the data's classes (() if only numbers are known), `own` the file's.
    """
    found, known = list[Labelling](), {name.casefold(): place for place, name in enumerate(own)}
    if names and all(name.casefold() in known for name in names):
        found.append(Labelling("by name", tuple(known[name.casefold()] for name in names)))
    numbered = Labelling("by number", tuple(range(len(names) or int(labels.max()) + 1)))
    for offset in (0, 1, -1):
        moved = numbered.shifted(offset, outputs)
        valid = (np.array(moved.outputs)[labels] != NEVER).mean()
        if valid > 0.8 and all(moved.outputs != each.outputs for each in found):
            found.append(moved)
    if not found or np.median(np.bincount(labels)[np.unique(labels)]) >= ENOUGH:
        found.append(Labelling("learned"))
    return found


def places(labelling: Labelling, record: Record, labels: Ints, stop: int) -> Ints:
    """How many outputs are larger than the right one, for the first `stop` images; TOP stands for more.

    Learned outputs come from the other half of these images.
    """
    labels = labels[:stop]
    if not labelling.learned:
        return _places(record[:stop], np.array(labelling.outputs)[labels])
    found, halves = np.empty(stop, np.int64), turns(labels) % 2
    for half in (0, 1):
        judged = halves == half
        outputs = learn(record[:stop][~judged], labels[~judged], int(labels.max()) + 1).outputs
        found[judged] = _places(record[:stop][judged], np.array(outputs)[labels[judged]])
    return found


def _places(record: Record, right: Ints) -> Ints:
    return np.where(record["outputs"] == right[:, None], record["places"], TOP).min(1)


def learn(record: Record, labels: Ints, classes: int) -> Labelling:
    """The outputs that make most answers right, each output for one class at most."""
    known, rows = np.unique(labels, return_inverse=True)
    used, columns = np.unique(record["outputs"][:, 0], return_inverse=True)
    counts = np.zeros((len(known), max(len(known), len(used))), np.int64)
    np.add.at(counts, (rows, columns), 1)
    outputs = np.full(classes, NEVER)
    for row, column in enumerate(assign(-counts)):
        if counts[row, column]:
            outputs[known[row]] = used[column]
    return Labelling("permutation", tuple(outputs.tolist()))


def assign(costs: Ints) -> list[int]:
    """The column of each row (rows, columns at least as many) so that the sum of costs is the least.

    The Hungarian method with potentials (Kuhn 1955, Munkres 1957), one shortest path for each row.
    """
    rows, columns = costs.shape
    u, v, owner = np.zeros(rows), np.zeros(columns), np.full(columns, -1)
    for row in range(rows):
        least, came, used = np.full(columns, np.inf), np.full(columns, -1), np.zeros(columns, bool)
        last, column, length = row, -1, 0.0
        while last >= 0:
            reduced = length + costs[last] - u[last] - v
            better = ~used & (reduced < least)
            least[better], came[better] = reduced[better], column
            column = int(np.where(used, np.inf, least).argmin())
            used[column], last, length = True, owner[column], least[column]
        inner = used & (owner >= 0)
        u[row] += length
        u[owner[inner]] += length - least[inner]
        v[inner] -= length - least[inner]
        while column >= 0:
            owner[column] = row if came[column] < 0 else owner[came[column]]
            column = came[column]
    place = np.empty(rows, int)
    place[owner[owner >= 0]] = np.flatnonzero(owner >= 0)
    return place.tolist()
