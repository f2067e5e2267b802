"""Measurements: their nouns, and the files that hold them, the user's own before the shipped ones."""

from __future__ import annotations

import contextlib
import glob
import sys
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from eyespot import decoding
from eyespot.artifacts import places
from eyespot.artifacts.atomic import write_json
from eyespot.errors import EyespotError
from eyespot.escaping import file_name, terminal
from eyespot.nouns import Noun
from eyespot.preprocessing.spec import Damage
from eyespot.quantity import Count, Kind, Quantity, Share, wilson
from eyespot.tflite.kernels import Kernels

Status = Literal["ok", "partial", "fails", "unknown"]
Decides = Literal["runs", "npu", "both", "nothing"]

SHOWN = {  # what is shown with a check or with a quantity
    "check arena": {"used"},
    "head": {"tail"},
    "npu": {"cpu"},
    "accepted": {"refused", "unknown"},
    "vela": {"cycles"},
}

NEWER = {"training_images", "near_duplicates", "unrepeated", "right"}  # fields that older measurements lack

BESIDE = "measurements"  # within a folder of the user's: what was measured of its files

T = TypeVar("T")


def _agree(stated: list[float], counted: list[float]) -> bool:
    """Whether the shares that a file states are those that its counts give."""
    return len(stated) == len(counted) and all(abs(a - b) < 1e-9 for a, b in zip(stated, counted, strict=True))


@dataclass(frozen=True, kw_only=True, repr=False)
class Subset(Noun):
    """Top-1 on a part of the images, with its 95 % interval (Wilson)."""

    n: Count
    correct: Count
    top1: Share
    low: Share
    high: Share

    def __post_init__(self) -> None:
        """ValueError unless all numbers follow from n and correct."""
        if not 0 <= self.correct <= self.n or not self.n:
            raise ValueError(f"expected at most n correct, found {self.correct:,} of {self.n:,}")
        if not _agree([self.top1, self.low, self.high], [self.correct / self.n, *wilson(self.correct, self.n)]):
            raise ValueError("expected the shares that n and correct give, found others")


@dataclass(frozen=True, kw_only=True, repr=False)
class Evaluation(Noun):
    """A measured accuracy, with everything needed to measure it again.

    `low` and `high` bound top-1's 95 % interval (Wilson); `confusion` holds (i, j, images of class i called
    j); `per_class` is each class's recall; `top5` is None up to 20 classes; `under` names the images' damage.

    No image trained or calibrated the file, as far as known: it was compared with `training_images` images
    (None: what trained it is unknown). `near_duplicates` are the numbers of those that look like one of them
    (None: not compared). `unrepeated` leaves out the images that are in another split of the data set too,
    whether or not they trained the file (None: no list of them). `right` says of each image in order whether
    the answer was correct: bits in base64, the highest of a byte first (None: not kept).
    """

    model: str
    precision: str
    artifact: str
    data: str
    split: str
    data_digest: str
    n: Count
    correct: Count
    top1: Share
    low: Share
    high: Share
    top5: Share | None
    per_class: Mapping[str, Share]
    confusion: tuple[tuple[Count, Count, Count], ...]
    kernels: Kernels
    tools: Mapping[str, str]
    command: str
    under: Damage | None = None
    training_images: Count | None = None
    near_duplicates: tuple[Count, ...] | None = None
    unrepeated: Subset | None = None
    right: str | None = None

    def __post_init__(self) -> None:
        """ValueError unless all numbers follow from the confusion, except top-5, and `right` counts the same."""
        images, hits = Counter[int](), Counter[int]()
        for actual, called, times in self.confusion:
            images[actual] += times
            hits[actual] += times if actual == called else 0
        if (self.n, self.correct) != (images.total(), hits.total()) or not all(images.values()) or not self.n:
            raise ValueError(f"expected n and correct as in `confusion`, found {self.n:,} and {self.correct:,}")
        shares = [self.top1, self.low, self.high, *sorted(self.per_class.values())]
        counted = [self.correct / self.n, *wilson(self.correct, self.n), *sorted(hits[i] / images[i] for i in images)]
        if not _agree(shares, counted) or (self.top5 is not None and self.top5 < self.top1):
            raise ValueError("expected the shares that `confusion` counts, found others")
        if self.right is not None:
            bits = b64decode(self.right, validate=True)
            if (len(bits), sum(map(int.bit_count, bits))) != (-(-self.n // 8), self.correct):
                raise ValueError("expected one bit for each image in `right`, set for each correct one")


@dataclass(frozen=True, kw_only=True, repr=False)
class Finding(Noun):
    """One check of one file on one device, and how far its answer can be trusted.

    `place` is the runtime, memory or processor concerned. `operators` counts those that are not accepted, by
    reason. `decides` names the verdicts that it counts for; estimates and quoted numbers count for none.
    """

    check: str
    status: Status
    kind: Kind
    tool: str
    source: str
    reason: str
    place: str = ""
    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    operators: Mapping[str, int] = field(default_factory=dict)
    advice: str = ""
    decides: Decides = "nothing"

    def __post_init__(self) -> None:
        """ValueError unless quantities that are shown together are all there."""
        q = self.quantities
        shown = {each for name in (f"check {self.check}", *q) for each in SHOWN.get(name, ())}
        if missing := (shown | ({"adds"} if "rate" in q and "vela" not in q else set())) - set(q):
            raise ValueError(f"expected the quantities {', '.join(sorted(missing))} as well")
        for name in {"rate", "latency"} & set(q):
            if not q[name].ranged and (name == "rate" or not q[name].value):
                raise ValueError(f"expected a range as {name}")


@dataclass(frozen=True, kw_only=True, repr=False)
class Compatibility(Noun):
    """A file on a device. Each verdict is the worst finding that decides it.

    `runs`: does it run at all? `npu`: does all of it run on the NPU (None: the device has none)?
    """

    device: str
    file: str
    runs: Finding
    npu: Finding | None = None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Accuracy(Noun):
    """An evaluation and whether it was measured now, shipped, or made on another build."""

    evaluation: Evaluation
    origin: str


def own() -> Path:
    """The folder of the user's own measurements."""
    return places.data_root() / "results"


def save(evaluation: Evaluation, folder: Path) -> Path:
    """Write an evaluation under a name that the same measurement gets again."""
    e = evaluation
    parts = filter(None, (e.model, e.precision, e.data, e.split, e.kernels, e.under))
    fields = {name: value for name, value in asdict(e).items() if value is not None or name not in NEWER}
    return write_json(folder / f"{'.'.join(map(file_name, parts))}.json", fields)


def keep(evaluation: Evaluation, folder: Path) -> None:
    """Save an evaluation in the folder of the measured file, for `beside`; say so where that cannot be written."""
    with or_not_kept():
        save(evaluation, folder / BESIDE)


@contextlib.contextmanager
def or_not_kept() -> Iterator[None]:
    """Say so where a measurement cannot be written: it was shown all the same."""
    try:
        yield
    except EyespotError as error:
        print(f"eyespot: {terminal(str(error))} The measurement is not kept.", file=sys.stderr)


def beside(folder: Path) -> tuple[Evaluation, ...]:
    """What `keep` saved in a folder. BadFileError for a damaged file."""
    return tuple(_each(Evaluation, sorted((folder / BESIDE).glob("*.json"))))


def save_devices(model: str, checked: tuple[Compatibility, ...], folder: Path) -> Path:
    """Write the compatibility of a model's int8 file with all devices, without fields that are empty."""
    entries = [asdict(c, dict_factory=lambda pairs: {k: v for k, v in pairs if v or v == 0}) for c in checked]
    return write_json(folder / f"{file_name(model)}.devices.json", entries)


def evaluations(model: str) -> tuple[Evaluation, ...]:
    """All measurements of a model, the user's own before the shipped ones."""
    return tuple(found(Evaluation, model, "*.*.json"))


def named(name: str) -> Iterator[Evaluation]:
    """The evaluations in files of that name, the user's own before the shipped one."""
    return _each(Evaluation, _files(glob.escape(name)))


def compatibilities(model: str) -> Iterator[tuple[Compatibility, ...]]:
    """The compatibility of a model's int8 file, the user's own findings before the shipped ones."""
    return found(tuple[Compatibility, ...], model, "devices.json")


def found(kind: type[T], model: str, rest: str, folder: str = ".") -> Iterator[T]:
    """What is in a model's files, the user's own before the shipped ones. `rest` is what follows its name."""
    return _each(kind, _files(f"{folder}/{glob.escape(file_name(model))}.{rest}"))


def _files(pattern: str) -> Iterator[Path]:
    return (path for folder in (own(), places.MEASUREMENTS) for path in sorted(folder.glob(pattern)))


def _each(kind: type[T], paths: Iterable[Path]) -> Iterator[T]:
    return (decoding.read(kind, path, "Delete it and measure again") for path in paths)
