"""NXP's accuracies, measured again: what benchmarks/audit.py found, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from eyespot import decoding
from eyespot.artifacts import places
from eyespot.quantity import Count, Share

PATH = places.MEASUREMENTS / "audit.json"
INFERRED = {  # what the measurements suggest and do not prove
    "deepface-emotion": "NXP's file is not at hand. `astype(np.uint8)` truncates, which lowers a value by one level "
    "at most. The last row does that to every value of another network, ours: it shows how large a loss may be.",
    "mobilenet-v1": "The page's figures agree with the maker's, rounded down. The preprocessing of the page's own "
    "example gives about half of them on these images.",
    "tiny-resnet": "0.75 for int8 is no loss by quantization: both files lose about the same on JPEG copies of the "
    "same images. A figure on JPEG copies in RGB is near 0.75, one in BGR far below. "
    "Which images NXP used is not stated.",
    "visual-wake-word": "0.75 lies between the figures for RGB and BGR here. The page does not name its images, "
    "so it cannot be measured again; the page's example output comes from BGR.",
    "mobilenet-v2": "NXP's recipe takes other weights (Keras), which are not at hand. The rows show what its "
    "preprocessing costs TF-slim's file, which also expects -1 to 1.",
    "mnasnet": "0.77 is not the ImageNet accuracy of width 0.75, for which the authors publish 0.733. The recipe loads "
    "imagenet_v2/topimages, an easier set, which may explain it. No file is at hand, so nothing is measured.",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A file on a data set, fed as `fed` says; `words` are those of a pipeline.

    `cost` is what that loses against the first row of the same file and data, with its paired 95 % interval.
    """

    model: str
    file: str
    precision: str
    sha256: str
    data: str
    split: str
    role: Literal["right", "example", "single mistake"]
    fed: str
    words: str
    n: Count
    correct: Count
    low: Share
    high: Share
    cost: float
    interval: tuple[float, float]

    @property
    def top1(self) -> float:
        """The share of images that it classifies correctly."""
        return self.correct / self.n


@dataclass(frozen=True, kw_only=True)
class Example:
    """What a file gives for the example picture of NXP's page, fed as the `words` say."""

    model: str
    file: str
    words: str
    output: Any


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A line of a file in NXP's repository."""

    model: str
    file: str
    quote: str


@dataclass(frozen=True, kw_only=True)
class Audit:
    """All of it, of one `release` of NXP's."""

    release: str
    rows: tuple[Row, ...]
    examples: tuple[Example, ...]
    quotes: tuple[Quote, ...]
    tools: dict[str, str]


def read() -> Audit:
    """What ships with the package."""
    return decoding.read(Audit, PATH, "Run benchmarks/audit.py again")
