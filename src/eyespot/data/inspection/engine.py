"""What was seen of the pictures becomes findings, and what to mend."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from eyespot.data.inspected import Broken, Copies, Doubt, Inspection, Spread
from eyespot.data.inspection import copies, labels, survey
from eyespot.data.inspection.mend import Counts, advice
from eyespot.data.inspection.survey import Entry
from eyespot.data.look import Extractor, Pixels, Seen
from eyespot.zoo.cards import Dataset

MOST = 50_000  # pictures that are compared with each other
START = "mobilenet-v2"  # the model to train first
TABLE = 50_000_000  # probabilities of classes, for all pictures

Group = list[int]


def quick(card: Dataset, *, processes: int | None = None) -> Inspection:
    """What is worth knowing before any training: counts, broken files, exact copies, balance.

    Every picture is decoded once, in workers. Errors as `inspect`.
    """
    pictures = survey.entries(card)
    seen = survey.look(card, pictures, processes)
    notes = [f"near copies and labels were not checked; run: eyespot inspect {shlex.quote(card.name)}"]
    return _inspection(card, pictures, seen, copies.exact(seen.digests), [], [], "", notes)


def inspect(card: Dataset, extractor: Extractor, *, processes: int | None = None) -> Inspection:
    """The same, with near copies, and labels that are probably wrong by the features of a network.

    MissingDataError if no split is on this machine, BadFileError if LiteRT refuses the network. What is
    wrong with a picture is a finding.
    """
    pictures = survey.entries(card)
    seen = survey.look(card, pictures, processes, thorough=True, extractor=extractor)
    notes: list[str] = []
    exact = copies.exact(seen.digests)
    near = _near(seen, exact, notes)
    doubts = _doubts(card, pictures, seen, [*exact, *near], notes)
    return _inspection(card, pictures, seen, exact, near, doubts, extractor.name, notes)


def sheets(
    card: Dataset, inspection: Inspection, *, processes: int | None = None
) -> Iterator[tuple[str, list[tuple[str, Pixels]]]]:
    """For each class its name, and the names and thumbnails of up to 100 pictures that are not broken."""
    broken = {each.file for each in inspection.broken}
    pictures = [each for each in survey.entries(card) if each.name not in broken]
    with survey.workers(processes) as pool:
        for label, name in enumerate(inspection.counts):
            yield name, list(survey.thumbnails(card, pictures, label, pool))


def _near(seen: Seen, exact: Sequence[Group], notes: list[str]) -> list[Group]:
    """Groups of near copies; of exact copies the first is compared, and the others join its group."""
    others = {group[0]: group[1:] for group in exact}
    first = _without([each for group in others.values() for each in group], seen)
    if len(first) > MOST:
        notes.append(f"near copies were not looked for: {len(first):,} pictures, at most {MOST:,} are compared")
        return []
    groups = copies.near(seen.thumbnails[np.array(first, int)])
    return [sorted(j for i in group for j in (first[i], *others.get(first[i], ()))) for group in groups]


def _doubts(
    card: Dataset, pictures: Sequence[Entry], seen: Seen, groups: Sequence[Group], notes: list[str]
) -> list[Doubt]:
    """Labels that are probably wrong, of one picture of each group of copies."""
    names = _names(card, pictures)
    kept = _without([each for group in groups for each in group[1:]], seen)
    given = np.array([pictures[i].label for i in kept], np.int64)
    counts = np.bincount(given, minlength=len(names))
    few, enough = (counts < labels.LEAST).nonzero()[0], (counts >= labels.LEAST).nonzero()[0]
    if len(few):
        listed = ", ".join(names[i] for i in few[:3])
        notes.append(f"labels of {listed} were not checked: expected at least {labels.LEAST} different pictures")
    if len(enough) < 2 or len(kept) > MOST or len(kept) * len(enough) > TABLE:
        notes.append(
            "labels were not checked: "
            + ("fewer than two classes have enough pictures" if len(enough) < 2 else "too many pictures")
        )
        return []
    checked = np.array(kept)[np.isin(given, enough)]
    numbered = np.searchsorted(enough, given[np.isin(given, enough)])
    wrong, likely = labels.doubts(seen.features[checked], numbered, len(enough))
    order = labels.reported(wrong)
    if len(order) < (about := round(wrong.sum())):
        notes.append(f"about {about:,} labels are probably wrong; mend those listed, then inspect again")
    return [
        Doubt(
            file=pictures[checked[i]].name, label=names[enough[numbered[i]]], likely=names[enough[likely[i]]],
            probability=float(wrong[i]),
        )
        for i in order
    ]  # fmt: skip


def _without(left_out: Sequence[int], seen: Seen) -> Group:
    """The pictures that decode, but for some."""
    out = set(left_out)
    return [i for i, error in enumerate(seen.errors) if not error and i not in out]


def _inspection(
    card: Dataset, pictures: Sequence[Entry], seen: Seen, exact: Sequence[Group], near: Sequence[Group],
    doubts: Sequence[Doubt], features: str, notes: Sequence[str],
) -> Inspection:  # fmt: skip
    names = _names(card, pictures)
    counts = _counts(names, pictures)
    sizes = {name: sum(parts.values()) for name, parts in counts.items()}
    commonest = max(sizes, key=lambda name: sizes[name])
    broken = [
        Broken(file=e.name, why=_why(card, e, error)) for e, error in zip(pictures, seen.errors, strict=True) if error
    ]
    blank = tuple(each.name for each, is_blank in zip(pictures, seen.blank, strict=True) if is_blank)
    found = [_copies(names, pictures, group, exact=True) for group in exact]
    found += [_copies(names, pictures, group, exact=False) for group in near]
    fine = seen.sizes[_without((), seen)]
    return Inspection(
        data=card.name, images=len(pictures), counts=counts, skipped=card.skipped,
        widths=_spread(fine[:, 0]), heights=_spread(fine[:, 1]),
        forms=dict(Counter(each for each in seen.forms if each).most_common()), broken=tuple(broken), blank=blank,
        copies=tuple(found), commonest=commonest, prior=sizes[commonest] / len(pictures),
        imbalance=sizes[commonest] / max(1, min(sizes.values())), doubts=tuple(doubts), features=features,
        notes=tuple(notes), mend=tuple(advice(counts, broken, blank, found, doubts)),
        next=f"eyespot train {START} --data {shlex.quote(card.name)}",
    )  # fmt: skip


def _names(card: Dataset, pictures: Sequence[Entry]) -> tuple[str, ...]:
    """The classes; their numbers where they have no names."""
    return card.classes or tuple(map(str, range(1 + max(each.label for each in pictures))))


def _counts(names: Sequence[str], pictures: Sequence[Entry]) -> Counts:
    parts = dict.fromkeys(each.part for each in pictures)
    found = Counter((each.label, each.part) for each in pictures)
    return {name: {part: found[label, part] for part in parts} for label, name in enumerate(names)}


def _copies(names: Sequence[str], pictures: Sequence[Entry], group: Group, *, exact: bool) -> Copies:
    members = [pictures[i] for i in group]
    return Copies(
        exact=exact,
        files=tuple(each.name for each in members),
        parts=tuple(dict.fromkeys(each.part for each in members)),
        classes=tuple(dict.fromkeys(names[each.label] for each in members)),
    )


def _why(card: Dataset, picture: Entry, error: str) -> str:
    """An error without the name of the file."""
    return error.removeprefix(f"{card.root / picture.name}: ") if card.root else error


def _spread(values: Any) -> Spread:
    return (int(values.min()), int(np.median(values)), int(values.max())) if len(values) else (0, 0, 0)
