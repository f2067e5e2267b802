"""The settings that a sweep compares: every combination of the values that `--sweep` gives to fields of a recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from itertools import product
from typing import Any

from eyespot.errors import BadArgumentError
from eyespot.zoo.cards import Augmentation, Recipe

Value = int | float | bool | str
Fields = Mapping[str, Value]

MOST = 1_000  # runs
LEAST = 1e-9  # above zero
SEEDS, LAYERS = "seeds", "layers"
RENAMED = {"learning_rate": "peak"}  # fields whose name in a recipe says less
KINDS: dict[str, tuple[type, float, float]] = {  # the type of each field's values, the least and the greatest
    "epochs": (int, 1, 10_000), "batch": (int, 1, 100_000), "learning_rate": (float, LEAST, 1e3),
    "warmup": (float, 0, 1), "momentum": (float, LEAST, 1), "weight_decay": (float, 0, 1),
    "averaging": (float, 0, 0.99999), "label_smoothing": (float, 0, 1), "clip": (float, LEAST, 1e3),
    "orthogonal": (float, LEAST, 1), "balanced": (bool, 0, 1), "bfloat16": (bool, 0, 1), "shift": (int, 0, 1_000),
    "flip": (bool, 0, 1), "rotation": (float, 0, 180), "zoom": (float, 0, 0.9), "exposure": (float, 0, 1),
    "cutout": (int, 0, 1_000), "jpeg": (float, 0, 1), "background": (float, 0, 1), "blur": (float, 0, 1),
}  # fmt: skip


def parse(texts: Sequence[str], *, own: bool) -> tuple[list[Fields], int]:
    """The settings and the number of seeds of texts such as "learning_rate=0.001,0.003 seeds=3".

    `own` says that a network is fine-tuned, which has layers to choose from. BadArgumentError.
    """
    names = [*KINDS, *([LAYERS] if own else [])]
    given: dict[str, list[Value]] = {}
    for word in " ".join(texts).split():
        name, _, values = word.partition("=")
        if name not in (*names, SEEDS):
            raise BadArgumentError(f"sweep: expected seeds=N or FIELD=VALUE,..., of {', '.join(names)}; found {word!r}")
        if name in given:
            raise BadArgumentError(f"sweep: {name} is given twice; write {name}=VALUE,VALUE")
        given[name] = list(dict.fromkeys(_value(name, each) for each in values.split(",")))
    seeds = given.pop(SEEDS, [1])
    runs = math.prod(map(len, given.values())) * int(seeds[0])
    if len(seeds) > 1 or runs > MOST:
        raise BadArgumentError(
            f"sweep: expected one number of seeds and at most {MOST:,} runs, found {' '.join(texts)!r}"
        )
    return [dict(zip(given, values, strict=True)) for values in product(*given.values())], int(seeds[0])


def changed(recipe: Recipe, epochs: int | None, setting: Fields | None) -> Recipe:
    """The recipe with other `epochs` and with the values of a setting, as far as they are given."""
    named = ({"epochs": epochs} if epochs else {}) | dict(setting or {})
    values: dict[str, Any] = {RENAMED.get(name, name): value for name, value in named.items()}
    inner = {each.name: values.pop(each.name) for each in fields(Augmentation) if each.name in values}
    return replace(recipe, augmentation=replace(recipe.augmentation, **inner), **values)


def label(setting: Fields) -> str:
    """A setting in one word: learning_rate=0.003,flip=true."""
    return ",".join(f"{name}={str(value).lower()}" for name, value in setting.items())


def _value(name: str, text: str) -> Value:
    """A value of a field. BadArgumentError says what it takes."""
    if name == LAYERS and text in {"last", "all", "auto"}:
        return text
    kind, least, most = (int, 1, MOST) if name == SEEDS else KINDS.get(name, (str, 0, 0))
    try:
        value = {"true": True, "false": False}[text] if kind is bool else kind(text)
        if kind is not str and least <= value <= most:
            return value
    except (ValueError, KeyError):
        pass
    expected = {bool: "true or false", str: "last, all or auto"}.get(kind, f"a number from {least:g} to {most:g}")
    raise BadArgumentError(f"sweep: {name}: expected {expected}, found {text!r}")
