"""Devices as data (`*.toml`, `rules/*.toml`) and what checks a file against them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from eyespot.devices.card import (
    Clock,
    Compiler,
    Condition,
    Device,
    Estimate,
    Published,
    Region,
    Rule,
    Ruleset,
)
from eyespot.errors import UnknownNameError

FOLDER = Path(__file__).parent


@cache
def devices() -> tuple[Device, ...]:
    """All devices, by the position that their files give them."""
    found = (_device(path) for path in FOLDER.glob("*.toml"))
    return tuple(sorted(found, key=lambda card: card.position))


def names() -> tuple[str, ...]:
    """The devices' names, in their order."""
    return tuple(card.name for card in devices())


def device(name: str) -> Device:
    """A device by name. UnknownNameError names the near ones."""
    for card in devices():
        if card.name == name:
            return card
    raise UnknownNameError("device", name, names())


def _device(path: Path) -> Device:
    told = _read(path)
    compiler = told.pop("compiler", None)
    nouns = {"clocks": Clock, "memory": Region, "latency": Estimate, "published": Published}
    lists: dict[str, Any] = {
        key: tuple(noun(**each) for each in told.pop(key, ())) for key, noun in nouns.items()
    }
    return Device(
        name=path.stem,
        compiler=Compiler(**_tuples(compiler)) if compiler else None,
        rules=tuple(ruleset(name) for name in told.pop("rules", ())),
        **lists,
        **_tuples(told),
    )


@cache
def ruleset(name: str) -> Ruleset:
    """The operator rules in `rules/NAME.toml`; a rule without a source has the set's."""
    told = _read(FOLDER / "rules" / f"{name}.toml")
    rules = tuple(_rule(each, told["source"]) for each in told.pop("rules", ()))
    return Ruleset(name=name, rules=rules, **_tuples(told))


def _rule(told: dict[str, Any], source: str) -> Rule:
    must = Condition(**{key: told.pop(key) for key in ("field", "predicate", "bound") if key in told})
    when = told.pop("when", None)
    fields = {"source": source} | _tuples(told)
    return Rule(must=must, when=Condition(**when) if when else None, **fields)


def _tuples(told: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
