"""A .tflite file: parsing, the contract, the operator reader, and the rules of all devices."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import atheris
import numpy as np

import tflite_endless
import tflite_files
from eyespot.devices import devices
from eyespot.devices.latency import work
from eyespot.devices.neutron import activations
from eyespot.devices.rules import apply, ruleset
from eyespot.tflite.operators import FIELDS, operators
from eyespot.tflite.read import parse
from eyespot.tflite.run import contract_of, levels
from fuzzing import refusals

RULES = [ruleset(name) for name in sorted({name for card in devices() for name in card.rules})]


def seeds() -> Iterator[bytes]:
    yield from (tflite_files.classifier(), tflite_files.classifier(tflite_files.FLOAT), tflite_files.odd())
    yield from (endless(40) for endless in tflite_endless.ENDLESS)


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Another object form, or other bytes."""
    chance = random.Random(seed)
    changed = tflite_files.mutate(data, chance) if chance.random() < 0.7 else None
    return changed if changed and len(changed) <= most else atheris.Mutate(data, most)


def one(data: bytes) -> None:
    with refusals():
        file = parse(data, Path("x.tflite"))
        steps = operators(file)
        needed = activations(file, steps, ruleset("neutron-mcxn947"))
        assert needed is None or needed.total >= 0
        assert min(work(steps).values()) >= 0
        assert file.operations >= 0
        for rules in RULES:
            counts = apply(rules, steps).quantities
            assert sum(each.value or 0 for each in counts.values()) == len(steps)
        for step in steps:
            assert all(isinstance(field(step), tuple) for field in FIELDS.values())
        contract = contract_of(file)
        assert file.output.shape[-1] == len(contract.classes)
        with np.errstate(all="raise"):
            assert np.isfinite(levels(contract.preprocessing, file.input)).all()
