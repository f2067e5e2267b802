"""Operator rules: a dozen predicates at most; what they cannot express is `unverified`, hence unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import msgspec

from eyespot import decoding
from eyespot.artifacts.measurements import Decides, Finding, Status
from eyespot.devices import FOLDER, REMEDY
from eyespot.errors import BadFileError
from eyespot.quantity import Quantity
from eyespot.tflite.operators import FIELDS, NUMBERS, Operator, Values

Refusal = Literal["fails", "unknown"]
Predicate = Literal["in", "not in", "at least", "at most", "between", "same", "never", "unverified"]

PREDICATES: dict[Predicate, Callable[[Values, Any], bool]] = {
    "in": lambda values, bound: all(value in bound for value in values),
    "not in": lambda values, bound: all(value not in bound for value in values),
    "at least": lambda values, bound: all(value >= bound for value in values),
    "at most": lambda values, bound: all(value <= bound for value in values),
    "between": lambda values, bound: all(bound[0] <= value <= bound[1] for value in values),
    "same": lambda values, _: all(value == values[0] for value in values),
    "never": lambda *_: False,
    "unverified": lambda *_: False,
}
BOUNDS: dict[Predicate, Any] = {
    "in": tuple[Any, ...],
    "not in": tuple[Any, ...],
    "at least": float,
    "at most": float,
    "between": tuple[float, float],
}
VERDICTS: dict[str, Status] = {"accepted": "ok", "refused": "fails", "unknown": "unknown"}


@dataclass(frozen=True, kw_only=True)
class Condition:
    """`predicate` of the values that an operator has in `field`, with `bound` to compare them with."""

    field: str = ""
    predicate: Predicate
    bound: Any = None

    def __post_init__(self) -> None:
        """ValueError for an unknown field, or one or a bound that the predicate cannot compare."""
        try:
            msgspec.convert(self.bound, BOUNDS.get(self.predicate))
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from error  # to which msgspec adds the place of the rule
        if self.field not in FIELDS and (self.field or self.predicate not in {"never", "unverified"}):
            raise ValueError(f"Unknown `field` {self.field!r}")
        if self.field not in NUMBERS and self.predicate in {"at least", "at most", "between"}:
            raise ValueError(f"Expected a `field` with numbers, got {self.field!r}")


@dataclass(frozen=True, kw_only=True)
class Rule(Condition):
    """What operators must fulfil; `otherwise` is the status of one that does not.

    It concerns `operators` (all if there are none), not those in `but`, and only where `when` holds.
    `source` is "" where it is the set's.
    """

    why: str
    source: str = ""
    operators: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    when: Condition | None = None
    otherwise: Refusal = "fails"


@dataclass(frozen=True, kw_only=True)
class Ruleset:
    """The operators that a piece of software accepts, as its makers published it (`rules/NAME.toml`).

    `unlisted` is the status of any other operator.
    """

    name: str
    title: str
    source: str
    check: str
    decides: Decides
    unlisted: Refusal
    advice: str
    operators: tuple[str, ...]
    rules: tuple[Rule, ...] = ()


@cache
def ruleset(name: str) -> Ruleset:
    """The operator rules in `rules/NAME.toml`. BadFileError for a faulty file, or none of that name."""
    path = FOLDER / "rules" / f"{name}.toml"
    try:
        return decoding.read(Ruleset, path, REMEDY, name=name)
    except FileNotFoundError as error:
        raise BadFileError(f"{path}: no such file, but a device names it in `rules`. {REMEDY}") from error


def apply(rules: Ruleset, operators: tuple[Operator, ...]) -> Finding:
    """What a set of rules says about a file: partial if it accepts some of the operators."""
    judged = [_judge(rules, operator) for operator in operators]
    counts = Counter(status for status, _ in judged)
    broken = Counter(reason for status, reason in judged if status != "ok")
    told = "not every" if broken else "every"
    return Finding(
        check=rules.check,
        status=_status(rules, counts),
        kind="rule",
        tool=rules.title,
        source=rules.source,
        reason=f"{told} operator is listed and fulfils the published rules",
        quantities={
            name: Quantity(value=counts[status], unit="operators", kind="rule", tool=rules.title)
            for name, status in VERDICTS.items()
        },
        operators=dict(broken),
        advice=rules.advice if broken else "",
        decides=rules.decides,
    )


def _status(rules: Ruleset, counts: Counter[Status]) -> Status:
    """An operator that is refused leaves an NPU's file partial, as the CPU takes it, but stops any other."""
    if counts["fails"]:
        return "partial" if rules.decides == "npu" and counts["ok"] + counts["unknown"] else "fails"
    return "unknown" if counts["unknown"] else "ok"


def _judge(rules: Ruleset, operator: Operator) -> tuple[Status, str]:
    """The first rule that an operator breaks; a refusal comes before what is not known."""
    if operator.name not in rules.operators:
        return rules.unlisted, f"{operator.name}: is not listed"
    broken = [rule for rule in rules.rules if _concerns(rule, operator) and not _holds(rule, operator)]
    for rule in sorted(broken, key=lambda rule: rule.otherwise != "fails"):
        return rule.otherwise, f"{operator.name}: {rule.why}"
    return "ok", ""


def _concerns(rule: Rule, operator: Operator) -> bool:
    named = operator.name not in rule.but and (not rule.operators or operator.name in rule.operators)
    if not named or rule.when is None:
        return named
    return bool(_values(rule.when, operator)) and _holds(rule.when, operator)


def _holds(condition: Condition, operator: Operator) -> bool:
    return PREDICATES[condition.predicate](_values(condition, operator), condition.bound)


def _values(condition: Condition, operator: Operator) -> Values:
    return FIELDS[condition.field](operator) if condition.field else ()
