"""What `doctor --tensor` returns, and the sentences for each mistake. Light, so that it is shown without numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eyespot.nouns import Noun

SWAPPED = "red and blue are swapped"
SAID: dict[str, dict[str, str]] = {  # by aspect and word
    "values": {
        "shifted": "the values are pixel - 128",
        "shifted-twice": "128 is subtracted twice, so that the values are pixel - 256, clipped",
        "unshifted": "the values are the pixels' own bytes, without the zero point",
        "saturated": "the values are the pixels, clipped at the type's largest number",
    },
    "order": {"gray": "the picture is gray", "bgr": SWAPPED, "rgb": SWAPPED},
    "damage": {
        "rgb565": "the colours have only 5, 6 and 5 bits (RGB565)",
        "rgb565-swapped": "the two bytes of each RGB565 pixel are swapped",
    },
    "planes": {"yes": "the values lie in channel planes (CHW), not interleaved (HWC)"},
    "fit": {
        "squash": "the whole picture is squashed",
        "letterbox": "the whole picture is put between black bars",
        "crop": "the central square is cut out",
    },
}


@dataclass(frozen=True, kw_only=True, repr=False)
class Values(Noun):
    """The numbers in a dump."""

    form: str
    count: int
    low: float
    high: float
    mean: float
    distinct: int


@dataclass(frozen=True, kw_only=True, repr=False)
class Fit(Noun):
    """One explanation, and how well it fits the dump.

    `changes` names each aspect that differs from the contract, and how. `equal` is the share of values within
    one step (of a pixel value), `difference` the mean absolute difference in steps.
    """

    mistakes: tuple[str, ...]
    changes: Mapping[str, str]
    equal: float
    correlation: float
    difference: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Explanation(Noun):
    """What a dump holds. `mistakes` is () if nothing is wrong, and None if nothing explains it.

    `fits` has the best explanation first; `same` are those that the dump cannot tell from it, `hidden` the
    words that change nothing in this picture. They are empty where there was no picture to compare with, or
    the length is wrong; `hints` says what is known then.
    """

    file: str
    dump: str
    picture: str | None = None
    mistakes: tuple[str, ...] | None = None
    fits: tuple[Fit, ...] = ()
    same: tuple[Fit, ...] = ()
    hidden: tuple[str, ...] = ()
    values: Values
    hints: tuple[str, ...] = ()


def sentence(aspect: str, word: str, right: str = "", scaled: str = "", alike: Sequence[str] = ()) -> str:
    """A mistake in words: where `right` is expected, `word` was found, or one of `alike`, which is the same here.

    `scaled` says how the values relate to the right ones, "" if not by a factor.
    """
    said = _sentence(aspect, word, right) + (f" ({scaled})" if scaled and aspect == "values" else "")
    return f"{said} (or {', '.join(alike)}: the same on this picture)" if alike else said


def _sentence(aspect: str, word: str, right: str) -> str:
    if aspect == "values":
        name, _, wrapped = word.partition(", ")
        said = SAID["values"].get(name, f"the pixels are scaled to the range {name}")
        return f"{said}, and what is out of range wraps around" if wrapped else said
    if aspect == "order" and right == "gray":
        return f"{SWAPPED} before the picture becomes gray"
    if aspect == "place":
        return f"the picture is {word}" if word[0].isalpha() else f"the values come {word}"
    if aspect == "fit":
        return f"{_fit(word)}, where {_fit(right)} in the contract"
    return SAID[aspect][word] if aspect in SAID else f"the resize filter is {word}, not {right}"


def _fit(word: str) -> str:
    """`crop0.875` has a share."""
    return SAID["fit"].get(word) or f"the central {word.removeprefix('crop')} of the shorter side is cut out"
