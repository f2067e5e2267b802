"""What to mend in a data set, as sentences, the most important first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from eyespot.data.inspected import Broken, Copies, Doubt

Counts = dict[str, dict[str, int]]

NAMED = 3  # files in a sentence
FEW = 20  # pictures of a class in all
UNEVEN = 3  # times as many pictures in the largest class as in the smallest


def advice(
    counts: Counts, broken: Sequence[Broken], blank: Sequence[str], copies: Sequence[Copies], doubts: Sequence[Doubt]
) -> Iterator[str]:
    """A sentence for each thing to mend, with how many files it is about and the first of them."""
    if broken:
        yield f"Mend or remove {_files(len(broken))} that cannot be read ({_named(each.file for each in broken)})."
    if leaks := [each for each in copies if len(each.parts) > 1]:
        yield (
            f"Keep each picture in one part, or accuracy is measured on pictures that trained; in several parts: "
            f"{_pictures(len(leaks))} ({_groups(leaks)})."
        )
    if clashes := [each for each in copies if len(each.classes) > 1]:
        yield f"Decide on one class for each picture; in several: {_pictures(len(clashes))} ({_groups(clashes)})."
    if len(counts) < 2:
        yield "Add pictures of another class: a classifier needs two or more."
    yield from _absent(counts)
    if doubts:
        likely = (f"{each.file} looks like {each.likely}" for each in doubts)
        yield f"Look at the labels of {_files(len(doubts))}, some of which are probably wrong ({_named(likely)})."
    if few := [f"{name}: {sum(parts.values())}" for name, parts in counts.items() if sum(parts.values()) < FEW]:
        yield f"Add pictures to classes with fewer than {FEW} ({_named(few)})."
    if same := [each for each in copies if len(each.parts) == len(each.classes) == 1]:
        more = sum(len(each.files) - 1 for each in same)
        yield f"Keep one of each picture; more than needed: {_files(more)} ({_groups(same)})."
    if blank:
        yield f"Remove {_files(len(blank))} of one colour ({_named(blank)})."
    yield from _uneven(counts)


def _absent(counts: Counts) -> Iterator[str]:
    parts = dict.fromkeys(part for each in counts.values() for part in each)
    for part in parts:
        if absent := [name for name, each in counts.items() if not each.get(part)]:
            yield f"Add pictures to {part}, which lacks classes ({_named(absent)})."


def _uneven(counts: Counts) -> Iterator[str]:
    sizes = {name: sum(parts.values()) for name, parts in counts.items()}
    largest, smallest = max(sizes, key=lambda name: sizes[name]), min(sizes, key=lambda name: sizes[name])
    if sizes[smallest] and sizes[largest] >= UNEVEN * sizes[smallest]:
        share = sizes[largest] / sum(sizes.values())
        yield (
            f"Add pictures to the small classes, such as {smallest} ({sizes[smallest]:,}): {largest} has "
            f"{sizes[largest]:,}, and always answering {largest} gives an accuracy of {share:.2f}."
        )


def _pictures(count: int) -> str:
    return f"{count:,} picture{'s' * (count != 1)}"


def _files(count: int) -> str:
    return f"{count:,} file{'s' * (count != 1)}"


def _groups(copies: Sequence[Copies]) -> str:
    return _named(" = ".join(each.files[:2]) for each in copies)


def _named(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:NAMED]) + ", ..." * (len(listed) > NAMED)
