"""A model of the site: its subject, where its page lies, and the figures by which models are compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from eyespot.artifacts.measurements import Compatibility, Evaluation
from eyespot.escaping import file_name
from eyespot.reports import words
from eyespot.reports.page.facts import LATENCY, device_title
from eyespot.reports.page.figures import found, used
from eyespot.reports.page.gather import Subject
from eyespot.zoo import registry
from eyespot.zoo.cards import Model, Reference


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A subject and the name of its page, which no other one of the site has."""

    subject: Subject
    slug: str

    @property
    def path(self) -> str:
        """Of its page, from the root of the site."""
        return f"models/{self.slug}.html"

    @property
    def address(self) -> str:
        """The same in a link."""
        return quote(self.path)

    @property
    def card(self) -> Model | None:
        """The card of a model of ours, None for what is made from one."""
        return self.subject.card if self.subject.origin == "built" else None

    @property
    def title(self) -> str:
        """What people call it."""
        return self.card.title if self.card else self.subject.name

    @property
    def clean(self) -> Evaluation | None:
        """Its most telling accuracy."""
        return self.subject.main.clean

    @property
    def data(self) -> str:
        """The data set that it is for: the title of one of ours, or the name of the user's folder."""
        return registry.dataset(self.card.data).title if self.card else self.subject.trained.data or "own pictures"

    @property
    def measured_on(self) -> str:
        """The images of its accuracy, in words."""
        return images(self.clean) if self.clean else ""

    def beside(self, measured: Evaluation) -> list[str]:
        """What is said beside each accuracy: which images and weights it is of, if they are not its own."""
        apart = measured.data != (self.card.data if self.card else measured.data)
        return [*([f"on {images(measured)}"] if apart else []), *words.stand_in(measured)]

    @property
    def arena(self) -> float | None:
        """Bytes of RAM for tensors."""
        return used(self.subject.compatibility, "arena")

    @property
    def adds(self) -> float | None:
        """Multiply-adds of an image."""
        operations = self.subject.main.operations
        return None if operations is None else operations / 2

    def quoted(self, precision: str) -> list[tuple[Reference, float]]:
        """The top-1 figures of its files that its card quotes, the makers' own before NXP's."""
        known = self.card.references if self.card else ()
        return [
            (reference, float(value))
            for reference in sorted(known, key=lambda each: each.publisher == "NXP")
            for quantity, value in reference.figures.items()
            if quantity.startswith(f"top-1 {precision}") and value.replace(".", "", 1).isdigit()
        ]

    @property
    def published(self) -> tuple[Reference, float] | None:
        """The first of those of its int8 file."""
        return next(iter(self.quoted("int8")), None)

    def on(self, device: str) -> Compatibility | None:
        """What was found out about it on a device."""
        return next((c for c in self.subject.compatibility if c.device == device), None)

    @cached_property
    def latencies(self) -> dict[str, tuple[float, float]]:
        """The least and the most of its latency in ms: measured on machines, estimated on devices by their titles."""
        known = {f"{b.machine.name} (measured)": (b.fastest.typical,) * 2 for b in reversed(self.subject.benchmarks)}
        for c in self.subject.compatibility:
            finding = found(c, *LATENCY)
            if finding and (q := finding.quantities.get("latency")):
                middle = q.value or 0.0
                known[f"{device_title(c.device)} (estimate)"] = (
                    (q.low or 0.0, q.high or 0.0) if q.ranged else (middle, middle)
                )
        return {where: each for where, each in known.items() if each[0] > 0}


def images(e: Evaluation) -> str:
    """The title of the data set, or the name of the user's folder without its place."""
    return registry.dataset(e.data).title if registry.is_named(e.data) else Path(e.data).name


def entries(subjects: Iterable[Subject]) -> tuple[Entry, ...]:
    """The subjects with names of pages; two of one name get numbers."""
    made: list[Entry] = []
    for subject in subjects:
        slug, taken = file_name(subject.name), {entry.slug for entry in made}
        numbered = (f"{slug}-{number}" for number in range(2, 2 + len(taken)))
        free = next(each for each in (slug, *numbered) if each not in taken)
        made.append(Entry(subject=subject, slug=free))
    return tuple(made)


def best(many: Iterable[Entry], cost: dict[str, float]) -> set[str]:
    """The slugs on the Pareto front of accuracy and cost: of those measured on the same images, none beats them."""
    known = [(e.slug, e.clean.data_digest, e.clean.top1, cost[e.slug]) for e in many if e.clean and e.slug in cost]
    return {
        slug
        for slug, data, top1, price in known
        if not any(
            other == data and (better, -least) != (top1, -price) and better >= top1 and least <= price
            for _, other, better, least in known
        )
    }
