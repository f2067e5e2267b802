"""Operator rules: a dozen predicates at most; what they cannot express is `unverified`, hence unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from eyespot import decoding
from eyespot.artifacts.measurements import Decides, Finding, Status
from eyespot.devices import FOLDER, REMEDY
from eyespot.errors import BadFileError
from eyespot.quantity import quantities
from eyespot.tflite.operators import FIELDS, NUMBERS, Operator, Values

Refusal = Literal["fails", "unknown"]

MOST_NUMBERS = 4096  # of a softmax that costs nothing worth naming: 1,001 take a Cortex-M33 about .3 ms
LOGITS = "eyespot quantize --logits leaves the softmax out, and its callers compute it"

# the type of the bound, and what the values must fulfil
PREDICATES: dict[str, tuple[Any, Callable[[Values, Any], bool]]] = {
    "in": (list[Any], lambda values, bound: all(value in bound for value in values)),
    "not in": (list[Any], lambda values, bound: all(value not in bound for value in values)),
    "at least": (float, lambda values, bound: all(value >= bound for value in values)),
    "at most": (float, lambda values, bound: all(value <= bound for value in values)),
    "between": (tuple[float, float], lambda values, bound: all(bound[0] <= v <= bound[1] for v in values)),
    "multiple of": (Annotated[int, Meta(gt=0)], lambda values, bound: all(value % bound == 0 for value in values)),
    "same": (None, lambda values, _: all(value == values[0] for value in values)),
    "never": (None, lambda *_: False),
    "unverified": (None, lambda *_: False),
}


@dataclass(frozen=True, kw_only=True)
class Condition:
    """`predicate` of the values that an operator has in `field`, with `bound` to compare them with."""

    field: str = ""
    predicate: str
    bound: Any = None

    def __post_init__(self) -> None:
        """ValueError for an unknown predicate or field, or a bound that cannot be compared."""
        if self.predicate not in PREDICATES:
            raise ValueError(f"Unknown `predicate` {self.predicate!r}")
        if self.field not in FIELDS and (self.field or self.predicate not in {"never", "unverified"}):
            raise ValueError(f"Unknown `field` {self.field!r}")
        if self.field not in NUMBERS and self.predicate in {"at least", "at most", "between", "multiple of"}:
            raise ValueError(f"Expected a `field` with numbers, got {self.field!r}")
        try:
            msgspec.convert(self.bound, PREDICATES[self.predicate][0])
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from error  # to which msgspec adds the place of the rule

    def values(self, operator: Operator) -> Values:
        """What is compared: () if the operator has nothing of the kind."""
        return FIELDS[self.field](operator) if self.field else ()

    def holds(self, operator: Operator) -> bool:
        """Whether the operator fulfils it; one without values does, whatever the bound."""
        return PREDICATES[self.predicate][1](self.values(operator), self.bound)


@dataclass(frozen=True, kw_only=True)
class Rule(Condition):
    """What operators must fulfil; `otherwise` is the status of one that does not, `source` "" if the set's.

    It concerns `operators` (all if empty) except those in `but`, if they have values that fulfil `when`. With
    `leaves`, the NPU runs an operator that breaks the rule, but the compiler leaves these to the CPU behind it.
    """

    why: str
    source: str = ""
    operators: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    when: Condition | None = None
    otherwise: Refusal = "fails"
    leaves: tuple[str, ...] = ()

    def concerns(self, operator: Operator) -> bool:
        """Whether the operator must fulfil the rule."""
        if operator.name in self.but or (self.operators and operator.name not in self.operators):
            return False
        return self.when is None or (bool(self.when.values(operator)) and self.when.holds(operator))


@dataclass(frozen=True, kw_only=True)
class Ruleset:
    """The operators that a piece of software accepts, as published; `unlisted` is the status of any other."""

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
    if not path.exists():
        raise BadFileError(f"{path}: no such file, but a device names it in `rules`. {REMEDY}")
    return decoding.read(Ruleset, path, REMEDY, name=name)


def apply(rules: Ruleset, operators: tuple[Operator, ...]) -> Finding:
    """The finding of a set of rules about a file: partial if an NPU accepts some of the operators."""
    judged = [each for operator in operators for each in _judge(rules, operator)]
    n = Counter(status for status, _ in judged)
    broken = Counter(reason for status, reason in judged if status != "ok")
    status: Status = "unknown" if n["unknown"] else "ok"
    if rules.decides == "npu" and not operators:
        status, broken["the file has no operators"] = "fails", 1
    if n["fails"] and (rules.decides != "npu" or not n["unknown"] or n["ok"]):  # the CPU runs what an NPU refuses
        status = "partial" if rules.decides == "npu" and n["ok"] else "fails"
    counts = quantities(
        "operators", kind="rule", tool=rules.title, accepted=n["ok"], refused=n["fails"], unknown=n["unknown"]
    )
    reason = f"{'not every' if broken else 'every'} operator is listed and fulfils the published rules"
    tail = last_softmax(rules, operators) if status == "partial" and not n["unknown"] else ""
    return Finding(
        check=rules.check, status=status, kind="rule", tool=rules.title, source=rules.source,
        reason=tail or reason, quantities=counts, operators=dict(broken),
        advice=(LOGITS if tail else rules.advice) if broken else "", decides=rules.decides,
    )  # fmt: skip


@dataclass(frozen=True)
class Breach:
    """A constraint that an operator breaks, which `tool` checked, and its source."""

    status: Refusal
    why: str
    tool: str
    source: str


def breaches(rules: Ruleset, operator: Operator) -> tuple[Breach, ...]:
    """All that an operator breaks; a refusal comes before what is not known."""
    if operator.name not in rules.operators:
        return (Breach(rules.unlisted, "is not listed", rules.title, rules.source),)
    broken = (rule for rule in _broken(rules, operator) if not rule.leaves)
    made = (Breach(rule.otherwise, rule.why, rules.title, rule.source or rules.source) for rule in broken)
    return tuple(sorted(made, key=lambda breach: breach.status != "fails"))


def left_behind(rules: Ruleset, operator: Operator) -> tuple[tuple[str, Breach], ...]:
    """The operators that the compiler leaves to the CPU behind one that the NPU runs, and why."""
    if breaches(rules, operator):
        return ()
    broken = _broken(rules, operator)
    made = ((rule, Breach(rule.otherwise, rule.why, rules.title, rule.source or rules.source)) for rule in broken)
    return tuple((name, breach) for rule, breach in made for name in rule.leaves)


def last_softmax(rules: Ruleset, operators: tuple[Operator, ...]) -> str:
    """That the CPU has but the softmax at the end, and what belongs to it; "" if it has more."""
    on_npu = [index for index, each in enumerate(operators) if status_of(rules, each) != "fails"]
    behind = operators[on_npu[-1] + 1 :] if on_npu else ()
    lefts = [[name for name, _ in left_behind(rules, operators[index])] for index in on_npu]
    left = [name for names in lefts for name in names]
    names = [*(left if lefts and left == lefts[-1] else []), *(o.name for o in behind)]
    numbers = max((prod(image.shape) for each in behind for image in each.images), default=0)
    if "SOFTMAX" not in names or len(names) != len(left) + len(operators) - len(on_npu) or numbers > MOST_NUMBERS:
        return ""
    *others, last = [name.lower() for name in names]
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"the last {listed}, {numbers:,} numbers, {'run' if others else 'runs'} on the CPU: no cost worth naming"


def status_of(rules: Ruleset, operator: Operator) -> Status:
    """Whether the rules accept an operator, whatever the compiler leaves behind it."""
    return _judge(rules, operator)[0][0]


def _judge(rules: Ruleset, operator: Operator) -> list[tuple[Status, str]]:
    """The first rule that an operator breaks; a refusal comes before what is not known.

    After the operator's own come those that the compiler leaves to the CPU behind it.
    """
    for breach in breaches(rules, operator):
        return [(breach.status, f"{operator.name}: {breach.why}")]
    return [("ok", ""), *((breach.status, f"{name}: {breach.why}") for name, breach in left_behind(rules, operator))]


def _broken(rules: Ruleset, operator: Operator) -> list[Rule]:
    return [rule for rule in rules.rules if rule.concerns(operator) and not rule.holds(operator)]
