"""How an image becomes a tensor, and what a model file promises."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, Protocol

from msgspec import Meta

from eyespot.quantity import Count, Share

Damage = Literal["jpeg", "bgr", "rgb565", "rgb565-swapped", "blur", "darker", "brighter"]
Resize = Literal["nearest", "bilinear", "bicubic", "lanczos"]
LARGEST = 1e9  # of a mean or deviation, so that no float32 overflows
COLDEST, HOTTEST = 0.05, 20.0  # temperatures
ROWS = 32  # of a table of thresholds
Side = Annotated[int, Meta(ge=1, le=8192)]


class Input(Protocol):
    """An input tensor: its shape is (1, height, width, channels), a real number (stored - zero_point) * scale."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def dtype(self) -> str: ...  # noqa: D102
    @property
    def scale(self) -> float: ...  # noqa: D102
    @property
    def zero_point(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How an image becomes a tensor: the one definition, which training, evaluation and exports follow.

    The image is made upright and RGB or gray. The central square of `crop` times its shorter side is cut
    out (None: the whole image) and resized to `height` x `width` with Pillow's filter `resize`; its
    channels are put into `order`. A float32 file takes (pixel - mean) / std per channel, of pixels 0..255;
    an int8 file takes the same numbers by its input's scale and zero point, for files of ours pixel - 128.
    `mean` and `std` hold one number per channel, or one for all.
    """

    height: Side
    width: Side
    order: Literal["rgb", "bgr", "gray"] = "rgb"
    crop: Annotated[float, Meta(gt=0, le=1)] | None = None
    resize: Resize = "bilinear"
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """ValueError unless mean and std are finite, one or one per channel, and std positive."""
        for numbers in (self.mean, self.std):
            if len(numbers) not in {1, self.channels} or not all(abs(each) <= LARGEST for each in numbers):
                raise ValueError(f"mean and std hold 1 or {self.channels} finite numbers, found {numbers}")
        if min(self.std) < 1 / LARGEST:
            raise ValueError(f"std is positive, found {self.std}")

    @property
    def channels(self) -> int:
        """1 for gray, else 3."""
        return 1 if self.order == "gray" else 3

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Of the image that the network sees: (height, width, channels)."""
        return self.height, self.width, self.channels


class Row(NamedTuple):
    """How many validation images are answered if a confidence of `threshold` is asked for, and how many correctly."""

    threshold: Share
    answered: Count
    correct: Count


@dataclass(frozen=True, kw_only=True)
class Confidence:
    """How much the probabilities of a file are worth, measured on validation images.

    A probability p of the file becomes p^(1 / temperature), divided by the sum over all classes (Guo et al., ICML
    2017). `rows` are a table of thresholds for the result of the most probable class. The first row has threshold 0
    and so all images.
    """

    temperature: Annotated[float, Meta(ge=COLDEST, le=HOTTEST)]
    rows: Annotated[tuple[Row, ...], Meta(min_length=1, max_length=ROWS)]

    def __post_init__(self) -> None:
        """ValueError for a temperature that is out of range, or rows that no set of images can give."""
        if not COLDEST <= self.temperature <= HOTTEST:
            raise ValueError(f"temperature is from {COLDEST} to {HOTTEST}, found {self.temperature}")
        first, last = self.rows[0], self.rows[-1]
        falling = all(
            a.threshold < b.threshold and 0 <= a.correct - b.correct <= a.answered - b.answered
            for a, b in pairwise(self.rows)
        )
        if not falling or first.threshold or last.threshold > 1 or not 0 <= last.correct <= last.answered >= 1:
            raise ValueError("expected thresholds that rise from 0, with ever fewer images and correct answers")


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What travels inside every file of ours: the preprocessing, and the class names in label order.

    `confidence` is None for a file without validation images. With `logits` the file's outputs are those, and
    probabilities are their softmax.
    """

    model: str
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    confidence: Confidence | None = None
    logits: bool = False

    def __post_init__(self) -> None:
        """ValueError unless all names are valid Unicode and not empty, and the class names distinct."""
        if not self.model or not self.classes or "" in self.classes or len(set(self.classes)) < len(self.classes):
            raise ValueError("expected a model name and class names, none empty, each class its own")
        for name in (self.model, *self.classes):
            name.encode()  # fails for a part of a character
