"""Explains what a pipeline fed to a network: which mistakes turn the right tensor into the dumped one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.errors import RefusedError
from eyespot.evaluation.dumps.explanation import Explanation, Fit, Values, sentence
from eyespot.evaluation.dumps.guesses import ASPECTS, SAMPLES, Guess, Guesses
from eyespot.evaluation.dumps.read import Dump, Reading, fitting, read_dump, readings
from eyespot.preprocessing.damage import Image
from eyespot.preprocessing.image import decode
from eyespot.preprocessing.spec import Contract
from eyespot.preprocessing.synthetic import picture as synthetic
from eyespot.tflite.read import File, check_classifier
from eyespot.tflite.run import contract_of

Numbers = NDArray[np.float32]

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
    """A guess, what it expects in the dump, and how far off that is on average."""

    reading: Reading
    count: int
    guess: Guess
    expected: Numbers
    loss: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Explained:
    """The explanation, and the two images (height, width, channels) that it compares; None without a picture."""

    noun: Explanation
    expected: NDArray[Any] | None = None
    found: NDArray[Any] | None = None


def explain_files(file: File, fallback: Contract | None, dump: Path, image: Path | None) -> Explained:
    """`explain` by the file's own contract, or by `fallback` if it has none; of a dump and a picture in files.

    RefusedError without a contract, or with that of another input; errors of both files.
    """
    check_classifier(file)
    contract = file.contract or fallback or contract_of(file)
    if file.input.shape[1:] != contract.preprocessing.shape:
        said = f"the contract of {contract.model} says {contract.preprocessing.shape}"
        raise RefusedError(f"{file.path}: takes {file.input.shape[1:]}; {said}")
    picture, name = (decode(image, 3), image.name) if image else (None, None)
    return explain(file, contract, read_dump(dump), picture, name)


def explain(file: File, contract: Contract, dump: Dump, picture: Image | None, name: str | None = None) -> Explained:
    """Explain a dump of `file`'s input tensor for a `picture` (h, w, 3) called `name`.

    Without a picture the golden ones are tried; if it is none of them, only the values are judged.
    """
    ways = readings(dump, file.input)
    if not ways:
        return Explained(noun=_of_wrong_length(file, dump))
    if picture is not None:
        return _explained(file, contract, dump, ways, picture, name)
    spec = contract.preprocessing
    for index in range(GOLDEN):
        golden = synthetic(index, spec.height, spec.width, spec.channels)
        explained = _explained(file, contract, dump, ways, golden, f"golden picture {index}")
        if explained.noun.mistakes is not None:
            return explained
    return Explained(noun=_of_values(file, contract, dump, ways))


def _explained(
    file: File, contract: Contract, dump: Dump, ways: tuple[Reading, ...], picture: Image, name: str | None
) -> Explained:
    rgb = picture if picture.shape[2] == 3 else np.repeat(picture, 3, axis=2)
    guesses = Guesses(file.input, contract.preprocessing, rgb)
    candidates = [each for reading in ways for each in _screened(guesses, reading)]
    best, same, others = _tournament(candidates)
    listed = tuple(_fit(guesses, each) for each in (best, *others))
    fails = best.loss > UNEXPLAINED * _deviation(best.reading.numbers) and listed[0].equal < SATURATED
    noun = Explanation(
        file=file.path.name,
        dump=dump.path.name,
        picture=name,
        mistakes=None if fails else listed[0].mistakes,
        fits=listed,
        same=() if fails else tuple(_fit(guesses, each) for each in same),
        hidden=tuple(each for name, word in guesses.right.items() for each in guesses.alike.get((name, word), ())),
        values=_values(dump, (best.reading,)),
        hints=("It is another picture, or a mistake that eyespot does not know.",) if fails else (),
    )
    right = guesses.expected(guesses.right, None, stored=best.reading.stored)
    shape = contract.preprocessing.shape
    return Explained(noun=noun, expected=right.reshape(shape), found=best.reading.numbers.reshape(shape))


def _screened(guesses: Guesses, reading: Reading) -> Iterator[Candidate]:
    """The best guesses of each number of mistakes, by a sample of the values."""
    size = prod(guesses.spec.shape)
    places = np.sort(np.random.default_rng(0).permutation(size)[:SAMPLES])
    sample, scored = reading.numbers[places], []
    for count, guess in guesses.all(reading.implied, stored=reading.stored):
        expected = guesses.expected(guess, places, stored=reading.stored)
        scored.append((count, _loss(sample, expected), guess))
    for count, group in groupby(scored, key=lambda each: each[0]):
        for _, _, guess in sorted(group, key=lambda each: each[1])[:SCREENED]:
            expected = guesses.expected(guess, None, stored=reading.stored)
            loss = _loss(reading.numbers, expected)
            more = count + bool(reading.why)
            yield Candidate(reading=reading, count=more, guess=guess, expected=expected, loss=loss)


def _loss(numbers: Numbers, expected: Numbers) -> float:
    return float(np.abs(numbers - expected).mean(dtype=np.float64))


def _deviation(numbers: Numbers) -> float:
    return float(np.abs(numbers - np.median(numbers)).mean(dtype=np.float64))


def _tournament(candidates: list[Candidate]) -> tuple[Candidate, list[Candidate], list[Candidate]]:
    """The simplest candidate that none beats; those that the dump cannot tell from it; some others by fit."""
    ordered = sorted(candidates, key=lambda each: (each.count, _relative(each)))
    noise = {id(each.reading): _noise(each) for each in sorted(candidates, key=lambda e: -e.loss)}
    best = ordered[0]
    for each in ordered[1:]:
        if _beats(each, best, noise[id(each.reading)]):
            best = each
    alike = [e for e in ordered if e.reading is best.reading and e.count == best.count and e is not best]
    same = [each for each in alike if not _contested(each, best, noise[id(best.reading)]).any()]
    others = [each for each in ordered if each is not best and each not in same and each.count <= best.count]
    shown = sorted(others, key=_relative)[:LISTED]
    plain = [] if ordered[0] is best or ordered[0] in shown else [ordered[0]]
    return best, same[:LISTED], shown + plain


def _noise(candidate: Candidate) -> float:
    """The mean difference of the nine tenths of the values that fit best; others are a border or an overflow."""
    apart = np.sort(np.abs(candidate.reading.numbers - candidate.expected))
    return float(apart[: max(1, 9 * len(apart) // 10)].mean())


def _relative(candidate: Candidate) -> float:
    return candidate.loss / (_deviation(candidate.reading.numbers) or 1.0)


def _beats(challenger: Candidate, champion: Candidate, noise: float) -> bool:
    """Whether the values where two guesses clearly differ speak for the challenger."""
    if challenger.reading is not champion.reading:
        return _relative(challenger) < 0.8 * _relative(champion)
    numbers, contested = challenger.reading.numbers, _contested(challenger, champion, noise)
    if challenger.loss < CLEARLY * champion.loss:
        return True
    if contested.sum() < max(3, numbers.size / FEW):
        return False
    nearer = np.abs(numbers - challenger.expected)[contested] < np.abs(numbers - champion.expected)[contested]
    return bool(nearer.mean() > (MORE if challenger.count > champion.count else SAME))


def _contested(one: Candidate, other: Candidate, noise: float) -> NDArray[np.bool_]:
    """Where two guesses differ by clearly more than the noise."""
    return np.abs(one.expected - other.expected) > max(CONTESTED * noise, 1e-6 * float(np.ptp(other.expected)))


def _fit(guesses: Guesses, candidate: Candidate) -> Fit:
    reading, right = candidate.reading, guesses.right
    changes = {name: word for name, word in candidate.guess.items() if word != right[name]}
    changes = {name: changes[name] for name in ASPECTS if name in changes and name not in reading.implied}
    scaled = _scaled(guesses, changes.get("values", "right"), stored=reading.stored)
    said = tuple(
        sentence(name, word, right[name], scaled, guesses.alike.get((name, word), ())) for name, word in changes.items()
    )
    apart = np.abs(reading.numbers - candidate.expected)
    step = guesses.step(candidate.guess["values"], stored=reading.stored)
    flat = not np.ptp(reading.numbers) or not np.ptp(candidate.expected)
    return Fit(
        mistakes=(reading.why, *said) if reading.why else said,
        changes=changes,
        equal=float((apart <= 1.001 * step).mean()),
        correlation=0.0 if flat else float(np.corrcoef(reading.numbers, candidate.expected)[0, 1]),
        difference=candidate.loss / step,
    )


def _scaled(guesses: Guesses, word: str, *, stored: bool) -> str:
    """How values relate to the right ones, if by a factor."""
    right, found = guesses.table("right", stored), guesses.table(word, stored)
    if word == "right" or (stored and guesses.tensor.dtype != "float32"):
        return ""
    for number, how in ((255.0, "our values / 255"), (1 / 255.0, "our values * 255")):
        if np.allclose(found * number, right, rtol=1e-4, atol=1e-6):
            return how
    return ""


def _values(dump: Dump, ways: Sequence[Reading]) -> Values:
    """Statistics of a dump, of its first reading if there is one."""
    real = (ways[0].numbers if ways else dump.values).astype(np.float64)
    low, high, mean = float(real.min()), float(real.max()), float(real.mean())
    return Values(form=dump.form, count=real.size, low=low, high=high, mean=mean, distinct=len(np.unique(real)))


def _without_picture(file: File, dump: Dump, ways: Sequence[Reading], *hints: str) -> Explanation:
    names = {"file": file.path.name, "dump": dump.path.name, "picture": None, "mistakes": None}
    return Explanation(**names, fits=(), same=(), hidden=(), values=_values(dump, ways), hints=hints)  # type: ignore[arg-type]


def _of_wrong_length(file: File, dump: Dump) -> Explanation:
    """What the length of a dump says."""
    count, tensor = dump.values.size, file.input
    what = "bytes" if dump.form == "raw bytes" else "numbers"
    size = prod(tensor.shape) * (np.dtype(tensor.dtype).itemsize if what == "bytes" else 1)
    height, width, channels = tensor.shape[1:]
    expected = f"{size:,} {what} ({width} x {height} x {channels} of {tensor.dtype})"
    hint = f"The length is wrong: expected {expected}, found {count:,}."
    fits = fitting(count, tensor)
    return _without_picture(file, dump, (), hint, *([f"It would fit {', '.join(fits)}."] if fits else []))


def _of_values(file: File, contract: Contract, dump: Dump, ways: tuple[Reading, ...]) -> Explanation:
    """What the values alone say: which ranges have all of them among their levels."""
    spec = contract.preprocessing
    guesses, hints = Guesses(file.input, spec, np.zeros((8, 8, 3), np.uint8)), []
    for reading in ways:
        for word in ("right", *guesses.alternatives(stored=reading.stored)["values"]):
            if _holds(guesses, word, reading):
                said = "what the contract says" if word == "right" else sentence("values", word, "right", "", ())
                hints.append(f"The values alone agree with: {'; '.join(filter(None, (reading.why, said)))}.")
    return _without_picture(file, dump, ways, *hints, "To compare pixels, name the picture: --image PICTURE.")


def _holds(guesses: Guesses, word: str, reading: Reading) -> bool:
    """Whether all numbers lie on the levels of a table, and reach over a quarter of its range."""
    table = guesses.table(word, reading.stored)
    levels = np.unique(table)
    place = np.searchsorted(levels, reading.numbers).clip(1, max(1, len(levels) - 1))
    near = np.minimum(*(np.abs(levels[np.minimum(place - i, len(levels) - 1)] - reading.numbers) for i in (0, 1)))
    span = float(np.ptp(levels))
    tolerance = 1e-3 * span / 255 + 1e-7
    return bool((near <= tolerance).all() and np.ptp(reading.numbers) >= span / 4)
