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
from eyespot.preprocessing.spec import Contract, Input
from eyespot.preprocessing.synthetic import GOLDEN
from eyespot.preprocessing.synthetic import picture as synthetic
from eyespot.tflite.read import File, check_classifier
from eyespot.tflite.run import contract_of

SAMPLES = 4096
SCREENED = 16  # guesses of each number of mistakes that are compared in full
UNEXPLAINED = 0.5  # loss of a candidate
SATURATED = 0.9  # share of values within one step that explains a dump without contrast
CONTESTED = 3.0  # times the noise, by which two guesses differ where they are compared
FEW = 2000  # one value of so many is too few to compare two guesses by
CLEARLY = 0.8  # of another guess's loss is better, wherever the values are
MORE, SAME = 0.75, 0.5  # share of the contested values that a guess with more, or with as many, mistakes wins
LISTED = 4


@dataclass(frozen=True, eq=False)
class Candidate:
    """A guess for a reading, what it expects in the dump by its tables, and its number of mistakes.

    `apart` is how far off each value is, `loss` their mean over the dump's own deviation.
    """

    reading: Reading
    tables: Tables
    guess: Guess
    expected: Numbers
    count: int

    @cached_property
    def apart(self) -> Numbers:  # noqa: D102
        return np.abs(self.reading.numbers - self.expected)

    @cached_property
    def loss(self) -> float:  # noqa: D102
        return _mean(self.apart) / (self.reading.deviation or 1e-12)


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
    names: dict[str, Any] = {"file": file.path.name, "dump": dump.path.name}
    spec = contract.preprocessing
    ways = readings(dump, file.input)
    if not ways:
        return Explanation(**names, values=_values(dump, dump.values), hints=_on_length(dump, file.input))
    tables = {stored: Tables(file.input, spec, stored=stored) for stored in (True, False)}
    pairs = [(reading, tables[reading.stored]) for reading in ways]
    if picture is not None:
        return Explanation(**names, **_compared(Guesses(spec, picture), dump, pairs), picture=name)
    for index in range(GOLDEN):
        found = _compared(Guesses(spec, synthetic(index, *spec.shape)), dump, pairs)
        if found["mistakes"] is not None:
            return Explanation(**names, **found, picture=f"golden picture {index}")
    return Explanation(**names, values=_values(dump, ways[0].numbers), hints=_on_values(pairs))


def _compared(guesses: Guesses, dump: Dump, pairs: list[tuple[Reading, Tables]]) -> dict[str, Any]:
    """Fields of the explanation by a picture."""
    best, same, others = _tournament([each for pair in pairs for each in _screened(guesses, *pair)])
    fits = tuple(_fit(guesses, each) for each in (best, *others))
    explained = best.loss <= UNEXPLAINED or fits[0].equal >= SATURATED
    return {
        "mistakes": fits[0].mistakes if explained else None,
        "fits": fits,
        "same": tuple(_fit(guesses, each) for each in same) if explained else (),
        "hidden": tuple(each for right in guesses.right.items() for each in guesses.alike.get(right, ())),
        "values": _values(dump, best.reading.numbers),
        "hints": () if explained else ("It is another picture, or a mistake that eyespot does not know.",),
    }


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
            yield Candidate(reading, tables, guess, expected, count + bool(reading.why))


def _mean(apart: Numbers) -> float:
    return float(apart.mean(dtype=np.float64))


def _tournament(candidates: list[Candidate]) -> tuple[Candidate, list[Candidate], list[Candidate]]:
    """The simplest candidate that none beats; those that the dump cannot tell from it; some others by fit."""
    ordered = sorted(candidates, key=lambda each: (each.count, each.loss))
    by_loss = sorted(ordered, key=lambda each: each.loss)
    noise = {each.reading: _noise(each) for each in reversed(by_loss)}  # by the best candidate of each
    best = ordered[0]
    for each in ordered[1:]:
        if _beats(each, best, noise[each.reading]):
            best = each
    alike = [e for e in ordered if e.reading is best.reading and e.count == best.count and e is not best]
    same = [each for each in alike if not _contested(each, best, noise[best.reading]).any()]
    others = [each for each in by_loss if each is not best and each not in same and each.count <= best.count][:LISTED]
    return best, same[:LISTED], others if ordered[0] in (best, *others) else [*others, ordered[0]]


def _noise(candidate: Candidate) -> float:
    """The mean difference of the nine tenths of the values that fit best; others are a border or an overflow."""
    apart = np.sort(candidate.apart)
    return float(apart[: max(1, 9 * len(apart) // 10)].mean())


def _beats(challenger: Candidate, champion: Candidate, noise: float) -> bool:
    """Whether a candidate fits clearly better, or the values where the two clearly differ speak for it."""
    if challenger.loss < CLEARLY * champion.loss:
        return True
    contested = _contested(challenger, champion, noise)
    if challenger.reading is not champion.reading or contested.sum() < max(3, contested.size / FEW):
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
    said = (sentence(*each, right[each[0]], factor, guesses.alike.get(each, ())) for each in changes.items())
    flat = not np.ptp(reading.numbers) or not np.ptp(candidate.expected)
    return Fit(
        mistakes=tuple(filter(None, (reading.why, *said))),
        changes=changes,
        equal=float((candidate.apart <= 1.001 * step).mean()),
        correlation=0.0 if flat else float(np.corrcoef(reading.numbers, candidate.expected)[0, 1]),
        difference=_mean(candidate.apart) / step,
    )


def _values(dump: Dump, numbers: NDArray[Any]) -> Values:
    real = numbers.astype(np.float64)
    low, high, mean = float(real.min()), float(real.max()), float(real.mean())
    return Values(form=dump.form, count=real.size, low=low, high=high, mean=mean, distinct=len(np.unique(real)))


def _on_length(dump: Dump, tensor: Input) -> tuple[str, ...]:
    """What a wrong length says."""
    what, each = ("bytes", np.dtype(tensor.dtype).itemsize) if dump.form == "raw bytes" else ("numbers", 1)
    height, width, channels = tensor.shape[1:]
    expected = f"{prod(tensor.shape) * each:,} {what} ({width} x {height} x {channels} of {tensor.dtype})"
    fits = fitting(dump.values.size, tensor)
    hint = f"The length is wrong: expected {expected}, found {dump.values.size:,}."
    return (hint, f"It would fit {', '.join(fits)}.") if fits else (hint,)


def _on_values(pairs: list[tuple[Reading, Tables]]) -> tuple[str, ...]:
    """What the values alone say: which ranges have all of them among their levels."""
    hints = []
    for reading, tables in pairs:
        for word in tables.agreeing(reading.numbers):
            said = "what the contract says" if word == "right" else sentence("values", word)
            hints.append(f"The values alone agree with: {'; '.join(filter(None, (reading.why, said)))}.")
    return (*hints, "To compare pixels, name the picture: --image PICTURE.")
