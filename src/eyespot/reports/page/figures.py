"""Numbers and verdicts in the words of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import sqrt
from pathlib import Path
from typing import Any, TypedDict

import msgspec

from eyespot.artifacts.measurements import Compatibility, Evaluation, Finding, Status, Subset
from eyespot.evaluation.metrics import difference
from eyespot.preprocessing.spec import Damage
from eyespot.quantity import Count
from eyespot.reports import words
from eyespot.reports.page.markup import Markup, tag
from eyespot.zoo import registry

DAMAGES: Mapping[Damage, str] = {
    "jpeg": "compressed as JPEG, quality 75",
    "bgr": "red and blue swapped",
    "rgb565": "16-bit colours (RGB565)",
    "rgb565-swapped": "RGB565, bytes in the wrong order",
    "blur": "slightly out of focus",
    "darker": "20 % darker",
    "brighter": "20 % brighter",
}
MARKS: Mapping[Status, str] = {"ok": "✓", "partial": "◐", "fails": "✗", "unknown": "?"}


def percent(share: float) -> str:
    """A share, to a tenth of a percent."""
    return f"{100 * share:.1f} %"


def between(low: float, high: float) -> str:
    """An interval of shares."""
    return f"{100 * low:.1f}–{100 * high:.1f} %"


def points(change: float) -> str:
    """A difference of shares, with its sign."""
    return f"{round(100 * change, 1) + 0.0:+.1f}".replace("-", "−")


def data(e: Evaluation) -> str:
    """The images, without the place of the user's folder."""
    return f"{e.data if registry.is_named(e.data) else Path(e.data).name} {e.split}"


def command(e: Evaluation) -> str:
    """The command that measures it, without the place of the user's folder."""
    return e.command if registry.is_named(e.data) else e.command.replace(e.data, Path(e.data).name)


def size(count: float) -> str:
    """Bytes as people compare them."""
    return f"{count / 1e6:.2f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def change(first: Evaluation, second: Evaluation) -> tuple[float, float, float, bool]:
    """Top-1 of the first minus the second, its 95 % interval, and whether that is paired.

    Without each image's answers, the interval is that of two independent shares, which is wider: Newcombe's
    score interval (Statistics in Medicine 17, 1998, method 10).
    """
    if exact := difference(first, second):
        return (*exact, True)
    down = sqrt((first.top1 - first.low) ** 2 + (second.high - second.top1) ** 2)
    up = sqrt((first.high - first.top1) ** 2 + (second.top1 - second.low) ** 2)
    middle = first.top1 - second.top1
    return middle, middle - down, middle + up, False


class Compared(TypedDict):
    """What the sidecar of an int8 file says of both files' answers to the same validation images."""

    n: Count
    difference: float
    low: float
    high: float
    float32: Subset
    int8: Subset


def compared(facts: Mapping[str, Any]) -> Compared | None:
    """The fact that `quantize` notes, None for files that it made without validation images."""
    try:
        return msgspec.convert(facts.get("validation"), Compared)
    except ValueError:
        return None


def counted(e: Evaluation) -> dict[int, tuple[int, int]]:
    """How many images of each class there are, and how many of them are correct."""
    totals: dict[int, tuple[int, int]] = {}
    for actual, called, times in e.confusion:
        n, hits = totals.get(actual, (0, 0))
        totals[actual] = n + times, hits + times * (actual == called)
    return totals


def chip(status: Status, what: str) -> Markup:
    """A verdict as a sign, a word and a colour."""
    return tag("span", f"{MARKS[status]} {what}", class_=f"chip {status}", title=status)


def verdicts(c: Compatibility) -> tuple[Markup, ...]:
    """Whether it runs, and whether all of it runs on the NPU if there is one."""
    said = {"ok": "runs", "partial": "runs in part", "fails": "does not run", "unknown": "unknown"}
    npu = {"ok": "all on NPU", "partial": "partly on NPU", "fails": "not on NPU", "unknown": "NPU unknown"}
    runs = chip(c.runs.status, said[c.runs.status])
    return (runs, chip(c.npu.status, npu[c.npu.status])) if c.npu else (runs,)


def found(c: Compatibility, *checks: str) -> Finding | None:
    """The first of these checks that has a number."""
    return next((f for check in checks for f in c.findings if f.check == check and f.quantities), None)


def used(many: Iterable[Compatibility], check: str) -> float | None:
    """The bytes that a check of memory found, on the first device that has them; the arena is the same on all."""
    sizes = (f.quantities["used"].value for c in many if (f := found(c, check)) and "used" in f.quantities)
    return next(filter(None, sizes), None)


def answer(f: Finding) -> str:
    """What a check found, and how it knows."""
    return f"{words.value(f)}, {f.kind}"
