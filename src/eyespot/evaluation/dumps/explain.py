"""Explains what a pipeline fed to a network: which mistakes turn the right tensor into the dumped one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.errors import RefusedError
from eyespot.evaluation.dumps.explanation import Explanation, Fit, Values, sentence
from eyespot.evaluation.dumps.guesses import ASPECTS, Guess, Guesses
from eyespot.evaluation.dumps.read import Dump, Reading, fitting, read_dump, readings
from eyespot.evaluation.dumps.tables import Numbers, Tables
from eyespot.preprocessing.damage import Image
from eyespot.preprocessing.image import decode
from eyespot.preprocessing.spec import Contract
from eyespot.preprocessing.synthetic import picture as synthetic
from eyespot.tflite.read import File, check_classifier
from eyespot.tflite.run import contract_of

SAMPLES = 4096
SCREENED = 16  # guesses of each number of mistakes that are compared in full
UNEXPLAINED = 0.5  # mean difference over the dump's own mean deviation from its median
SATURATED = 0.9  # share of values within one step that explains a dump without contrast
CONTESTED = 3.0  # times the noise, by which two guesses differ where they are compared
FEW = 2000  # one value of so many is too few to compare two guesses by
CLEARLY = 0.8  # of another guess's mean difference is better, wherever the values are
MORE, SAME = 0.75, 0.5  # share of the contested values that a guess with more, or with as many, mistakes wins
GOLDEN = 4  # pictures that `make` writes
LISTED = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A guess for a reading, its number of mistakes, and what it expects in the dump by its tables."""

    reading: Reading
    tables: Tables
    count: int
    guess: Guess
    expected: Numbers

    @cached_property
    def apart(self) -> Numbers:
        """How far off each value is."""
        return np.abs(self.reading.numbers - self.expected)

    @cached_property
    def loss(self) -> float:
        """How far off the values are on average."""
        return _mean(self.apart)

    @cached_property
    def relative(self) -> float:
        """The loss over the dump's own mean deviation from its median."""
        numbers = self.reading.numbers
        return self.loss / (_mean(np.abs(numbers - np.median(numbers))) or 1e-12)


def explain_files(file: File, fallback: Contract | None, dump: Path, image: Path | None) -> Explanation:
    """`explain` by the file's own contract, or by `fallback` if it has none; of a dump and a picture in files.

    RefusedError without a contract, or with that of another input; errors of both files.
    """
    check_classifier(file)
    contract = file.contract or fallback or contract_of(file)
    if file.input.shape[1:] != contract.preprocessing.shape:
        said = f"the contract of {contract.model} says {contract.preprocessing.shape}"
        raise RefusedError(f"{file.path}: takes {file.input.shape[1:]}; {said}")
    picture, name = (decode(image, 3), image.name) if image else (None, "")
    return explain(file, contract, read_dump(dump), picture, name)


def explain(file: File, contract: Contract, dump: Dump, picture: Image | None, name: str) -> Explanation:
    """Explain a dump of `file`'s input tensor for a `picture` (h, w, 1 or 3) called `name`.

    Without a picture the golden ones are tried; if it is none of them, only the values are judged.
    """
    ways = readings(dump, file.input)
    if not ways:
        return _of_wrong_length(file, dump)
    if picture is not None:
        return _explained(file, contract, dump, ways, picture, name)
    for index in range(GOLDEN):
        golden = synthetic(index, *contract.preprocessing.shape)
        explained = _explained(file, contract, dump, ways, golden, f"golden picture {index}")
        if explained.mistakes is not None:
            return explained
    return _of_values(file, contract, dump, ways)


def _explained(
    file: File, contract: Contract, dump: Dump, ways: tuple[Reading, ...], picture: Image, name: str
) -> Explanation:
    spec = contract.preprocessing
    guesses = Guesses(spec, picture if picture.shape[2] == 3 else np.repeat(picture, 3, axis=2))
    tables = {stored: Tables(file.input, spec, stored=stored) for stored in (True, False)}
    best, same, others = _tournament([c for each in ways for c in _screened(guesses, each, tables[each.stored])])
    fits = tuple(_fit(guesses, each) for each in (best, *others))
    fails = best.relative > UNEXPLAINED and fits[0].equal < SATURATED
    return Explanation(
        file=file.path.name,
        dump=dump.path.name,
        picture=name,
        mistakes=None if fails else fits[0].mistakes,
        fits=fits,
        same=() if fails else tuple(_fit(guesses, each) for each in same),
        hidden=tuple(each for right in guesses.right.items() for each in guesses.alike.get(right, ())),
        values=_values(dump.form, best.reading.numbers),
        hints=("It is another picture, or a mistake that eyespot does not know.",) if fails else (),
    )


def _screened(guesses: Guesses, reading: Reading, tables: Tables) -> Iterator[Candidate]:
    """The best guesses of each number of mistakes, by a sample of the values."""
    places = np.sort(np.random.default_rng(0).permutation(reading.numbers.size)[:SAMPLES])
    sample = reading.numbers[places]
    scored = [
        (count, _mean(np.abs(sample - guesses.expected(guess, tables.of[guess["values"]], places))), guess)
        for count, guess in guesses.all(tables, reading.implied)
    ]
    for count, group in groupby(scored, key=lambda each: each[0]):
        for _, _, guess in sorted(group, key=lambda each: each[1])[:SCREENED]:
            expected = guesses.expected(guess, tables.of[guess["values"]])
            mistakes = count + bool(reading.why)
            yield Candidate(reading=reading, tables=tables, count=mistakes, guess=guess, expected=expected)


def _mean(apart: Numbers) -> float:
    return float(apart.mean(dtype=np.float64))


def _tournament(candidates: list[Candidate]) -> tuple[Candidate, list[Candidate], list[Candidate]]:
    """The simplest candidate that none beats; those that the dump cannot tell from it; some others by fit."""
    ordered = sorted(candidates, key=lambda each: (each.count, each.relative))
    noise = {each.reading: _noise(each) for each in sorted(candidates, key=lambda each: -each.loss)}
    best = ordered[0]
    for each in ordered[1:]:
        if _beats(each, best, noise[each.reading]):
            best = each
    alike = [e for e in ordered if e.reading is best.reading and e.count == best.count and e is not best]
    same = [each for each in alike if not _contested(each, best, noise[best.reading]).any()]
    others = [each for each in ordered if each is not best and each not in same and each.count <= best.count]
    shown = sorted(others, key=lambda each: each.relative)[:LISTED]
    return best, same[:LISTED], shown if ordered[0] in (best, *shown) else [*shown, ordered[0]]


def _noise(candidate: Candidate) -> float:
    """The mean difference of the nine tenths of the values that fit best; others are a border or an overflow."""
    apart = np.sort(candidate.apart)
    return float(apart[: max(1, 9 * len(apart) // 10)].mean())


def _beats(challenger: Candidate, champion: Candidate, noise: float) -> bool:
    """Whether a candidate fits clearly better, or the values where the two clearly differ speak for it."""
    if challenger.relative < CLEARLY * champion.relative or challenger.reading is not champion.reading:
        return challenger.relative < CLEARLY * champion.relative
    contested = _contested(challenger, champion, noise)
    if contested.sum() < max(3, contested.size / FEW):
        return False
    nearer = challenger.apart[contested] < champion.apart[contested]
    return bool(nearer.mean() > (MORE if challenger.count > champion.count else SAME))


def _contested(one: Candidate, other: Candidate, noise: float) -> NDArray[np.bool_]:
    """Where two guesses differ by clearly more than the noise."""
    return np.abs(one.expected - other.expected) > max(CONTESTED * noise, 1e-6 * float(np.ptp(other.expected)))


def _fit(guesses: Guesses, candidate: Candidate) -> Fit:
    reading, right, guess = candidate.reading, guesses.right, candidate.guess
    changes = {name: guess[name] for name in ASPECTS if guess[name] != right[name] and name not in reading.implied}
    factor, step = candidate.tables.scaled(guess["values"]), candidate.tables.step(guess["values"])
    said = [
        sentence(each, word, right[each], factor, guesses.alike.get((each, word), ())) for each, word in changes.items()
    ]
    flat = not np.ptp(reading.numbers) or not np.ptp(candidate.expected)
    return Fit(
        mistakes=tuple(filter(None, (reading.why, *said))),
        changes=changes,
        equal=float((candidate.apart <= 1.001 * step).mean()),
        correlation=0.0 if flat else float(np.corrcoef(reading.numbers, candidate.expected)[0, 1]),
        difference=candidate.loss / step,
    )


def _values(form: str, numbers: NDArray[Any]) -> Values:
    real = numbers.astype(np.float64)
    low, high, mean = float(real.min()), float(real.max()), float(real.mean())
    return Values(form=form, count=real.size, low=low, high=high, mean=mean, distinct=len(np.unique(real)))


def _of_wrong_length(file: File, dump: Dump) -> Explanation:
    """What the length of a dump says."""
    count, tensor = dump.values.size, file.input
    what, each = ("bytes", np.dtype(tensor.dtype).itemsize) if dump.form == "raw bytes" else ("numbers", 1)
    height, width, channels = tensor.shape[1:]
    expected = f"{prod(tensor.shape) * each:,} {what} ({width} x {height} x {channels} of {tensor.dtype})"
    hints = [f"The length is wrong: expected {expected}, found {count:,}."]
    if fits := fitting(count, tensor):
        hints.append(f"It would fit {', '.join(fits)}.")
    return Explanation(
        file=file.path.name, dump=dump.path.name, values=_values(dump.form, dump.values), hints=tuple(hints)
    )


def _of_values(file: File, contract: Contract, dump: Dump, ways: tuple[Reading, ...]) -> Explanation:
    """What the values alone say: which ranges have all of them among their levels."""
    hints = []
    for reading in ways:
        tables = Tables(file.input, contract.preprocessing, stored=reading.stored)
        for word in tables.agreeing(reading.numbers):
            said = "what the contract says" if word == "right" else sentence("values", word)
            hints.append(f"The values alone agree with: {'; '.join(filter(None, (reading.why, said)))}.")
    hints.append("To compare pixels, name the picture: --image PICTURE.")
    values = _values(dump.form, ways[0].numbers)
    return Explanation(file=file.path.name, dump=dump.path.name, values=values, hints=tuple(hints))
