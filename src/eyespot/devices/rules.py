"""Operator rules: a dozen predicates at most; what they cannot express is `unverified`, hence unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from eyespot.artifacts.measurements import Finding, Status
from eyespot.devices.card import Condition, Rule, Ruleset
from eyespot.tflite.operators import FIELDS, Operator, Values

PREDICATES: dict[str, Callable[[Values, Any], bool]] = {
    "in": lambda values, bound: all(value in bound for value in values),
    "not in": lambda values, bound: all(value not in bound for value in values),
    "at least": lambda values, bound: all(value >= bound for value in values),
    "at most": lambda values, bound: all(value <= bound for value in values),
    "between": lambda values, bound: all(bound[0] <= value <= bound[1] for value in values),
    "same": lambda values, _: all(value == values[0] for value in values),
    "never": lambda *_: False,
    "unverified": lambda *_: False,
}


def apply(rules: Ruleset, operators: tuple[Operator, ...]) -> Finding:
    """What a set of rules says of a file: partial where it takes some of the operators."""
    found = [_judge(rules, operator) for operator in operators]
    counts = Counter(status for status, _ in found)
    reasons = Counter(reason for status, reason in found if status != "ok")
    told = "; ".join(f"{reason} ({n} x)" if n > 1 else reason for reason, n in reasons.items())
    return Finding(
        check=rules.check,
        status=_status(rules, counts),
        value=f"{counts['ok']} of {len(operators)} operators" + _rest(counts),
        kind="rule",
        tool=rules.title,
        source=rules.source,
        reason=told or "every operator is listed and fulfils the published rules",
        advice=rules.advice if told else "",
        decides=rules.decides,
    )


def _status(rules: Ruleset, counts: Counter[Status]) -> Status:
    """An operator that is refused leaves an NPU's file partial, as the CPU takes it, but stops any other."""
    if counts["fails"]:
        return "partial" if rules.decides == "npu" and counts["ok"] + counts["unknown"] else "fails"
    return "unknown" if counts["unknown"] else "ok"


def _rest(counts: Counter[Status]) -> str:
    refused = f", {counts['fails']} not" if counts["fails"] else ""
    return refused + (f", {counts['unknown']} unknown" if counts["unknown"] else "")


def _judge(rules: Ruleset, operator: Operator) -> tuple[Status, str]:
    """The first rule that an operator breaks; a refusal comes before what is not known."""
    if operator.name not in rules.operators:
        return rules.unlisted, f"{operator.name}: is not listed"
    broken = [rule for rule in rules.rules if _concerns(rule, operator) and not _holds(rule.must, operator)]
    for rule in sorted(broken, key=lambda rule: rule.otherwise != "fails"):
        return rule.otherwise, f"{operator.name}: {rule.why}"
    return "ok", ""


def _concerns(rule: Rule, operator: Operator) -> bool:
    named = operator.name not in rule.but and (not rule.operators or operator.name in rule.operators)
    if not named or rule.when is None:
        return named
    return bool(FIELDS[rule.when.field](operator)) and _holds(rule.when, operator)


def _holds(condition: Condition, operator: Operator) -> bool:
    values = FIELDS[condition.field](operator) if condition.field else ()
    return PREDICATES[condition.predicate](values, condition.bound)
