"""What `doctor` returns; light, so that it can be shown without numpy."""

from __future__ import annotations

from dataclasses import dataclass

from eyespot.nouns import Noun

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True, repr=False)
class Found(Noun):
    """The pipeline that a file wants. `words` states it as `--using` takes it.

    `certainty` is the probability, at least, that it is right, save for what `Diagnosis.indistinguishable`
    lists. `top1` and its 95 % interval are from `n` images that did not choose it. The output for class c is
    c + `label_offset`; where `label_permutation` is not empty, it lists the outputs by class, -1 if unknown.
    """

    words: str
    order: str
    range: str
    cast: str
    resize: str
    crop: str
    label_offset: int
    label_permutation: tuple[int, ...]
    certainty: float
    top1: float
    interval: Interval
    n: int


@dataclass(frozen=True, kw_only=True, repr=False)
class Mistake(Noun):
    """What a change costs: top-1 lost in points, with its 95 % interval, on the `n` images of `Found`."""

    change: str
    cost: float
    interval: Interval


@dataclass(frozen=True, kw_only=True, repr=False)
class Alternative(Noun):
    """A pipeline that may be right too: its tensors are `identical` on all pictures, or it answers as well."""

    change: str
    identical: bool


@dataclass(frozen=True, kw_only=True, repr=False)
class Diagnosis(Noun):
    """What a file wants, and what each mistake costs.

    `found` is None if no pipeline answers better than `majority`, the share of the commonest class; `best`
    is then the best top-1 of the `tries`. `contract` says whether the file's own contract is `confirmed`,
    `contradicted` or `not judged`; `none` if it has none. `using` is the user's own pipeline as a whole.
    """

    model: str
    data: str
    split: str
    images: int
    tries: int
    majority: float
    best: float
    contract: str
    found: Found | None
    using: Mistake | None
    mistakes: tuple[Mistake, ...]
    indistinguishable: tuple[Alternative, ...]
    next: str
