"""Looking at all pictures of a data set, in workers; what a picture does to its worker stops nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from eyespot.data import catalogue
from eyespot.data.look import SIDE, Job, Pixels, Seen, Span, open_job, open_sheet
from eyespot.errors import MissingDataError, ToolDiedError, ToolStartError
from eyespot.isolation import Pool
from eyespot.progress import track
from eyespot.zoo.cards import Dataset

MEMORY = 4 << 30  # bytes of a worker: an image of 65 million pixels takes one
PRELOAD = ("eyespot.data.look", "eyespot.data.files", "ai_edge_litert.interpreter")
SPAN = 16  # pictures of a request
SECONDS = 300  # for one
SAMPLES = 100  # pictures of a class on a contact sheet


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A picture: its split and place there, its name, label and part ("all" if that is undecided)."""

    split: str
    place: int
    name: str
    label: int
    part: str


def entries(card: Dataset) -> list[Entry]:
    """All pictures: of a folder by its card, of a data set in its splits that are on this machine.

    MissingDataError if there are none.
    """
    if card.files:
        return [
            Entry(split="all", place=i, name=each.file, label=each.label, part=each.part or "all")
            for i, each in enumerate(card.files)
        ]
    found: list[Entry] = []
    absent: list[MissingDataError] = []
    for name in card.splits:
        try:
            split = catalogue.open_split(card, name)
        except MissingDataError as error:
            absent.append(error)
            continue
        named = ((i, f"{name}/{split.title(i)}", int(label)) for i, label in enumerate(split.labels))
        found += [Entry(split=name, place=i, name=title, label=label, part=name) for i, title, label in named]
    if absent and not found:
        raise absent[0]
    return found


def look(card: Dataset, pictures: Sequence[Entry], processes: int | None, **more: Any) -> Seen:
    """What was seen of all pictures, in their order; `more` as in `Job`."""
    counts = Counter(each.split for each in pictures)
    parts = (
        part
        for split, n in counts.items()
        for part in _survive(_job(card, split, **more), (0, n), SPAN, processes)
    )  # fmt: skip
    total = sum(-(-n // SPAN) for n in counts.values())
    return _together(list(track(parts, total, f"inspect {card.title}")))


def thumbnails(card: Dataset, pictures: Sequence[Entry], label: int, pool: Pool) -> Iterator[tuple[str, Pixels]]:
    """The names and thumbnails of up to 100 pictures of a class, evenly chosen."""
    own = [each for each in pictures if each.label == label]
    own = [own[i] for i in sorted({i * (len(own) - 1) // max(1, SAMPLES - 1) for i in range(SAMPLES)}) if own]
    for split in dict.fromkeys(each.split for each in own):
        here = [each for each in own if each.split == split]
        images = pool.open(open_sheet, _job(card, split))(each.place for each in here)
        yield from zip((each.name for each in here), images, strict=True)


def workers(processes: int | None) -> Pool:
    """Workers that look at pictures."""
    return Pool(processes, preload=PRELOAD, seconds=SECONDS, memory=MEMORY, name="the inspection")


def _job(card: Dataset, split: str, **more: Any) -> Job:
    return Job(data=card, root=catalogue.folder(card), split=split, **more)


def _survive(job: Job, span: Span, step: int, processes: int | None) -> Iterator[Seen]:
    """What was seen of a span, `step` pictures a request.

    Where a worker died, the pictures of its request are looked at one by one; what ends a worker then is broken.
    """
    start, stop = span
    while start < stop:
        try:
            with workers(processes) as pool:
                spans = ((i, min(i + step, stop)) for i in range(start, stop, step))
                for part in pool.open(open_job, job)(spans):
                    start += len(part.errors)
                    yield part
        except ToolStartError:
            raise
        except ToolDiedError as error:
            end = min(start + step, stop)
            if step == 1:
                yield _deadly(job, str(error))
            else:
                yield from _survive(job, (start, end), 1, 1)
            start = end


def _deadly(job: Job, error: str) -> Seen:
    """What was seen of a picture that ended its worker."""
    return Seen(
        errors=[error], sizes=np.zeros((1, 2), np.int64), forms=[""], digests=[b""], blank=[False],
        thumbnails=np.zeros((1, SIDE, SIDE, 3) if job.thorough else 0, np.uint8),
        features=np.zeros((1, job.extractor.width) if job.extractor else 0, np.float16),
    )  # fmt: skip


def _together(parts: Sequence[Seen]) -> Seen:
    joined: dict[str, Any] = {}
    for field in fields(Seen):
        values = [getattr(part, field.name) for part in parts]
        arrays = isinstance(values[0], np.ndarray)
        joined[field.name] = np.concatenate(values) if arrays else [each for value in values for each in value]
    return Seen(**joined)
