"""Findings and their quantities in words."""

from __future__ import annotations

from eyespot.artifacts.measurements import Finding
from eyespot.quantity import Quantity


def check(f: Finding) -> str:
    """What was checked; its place is named if others of the same device decide."""
    return f"{f.check}, {f.place}" if f.place and f.decides == "nothing" else f.check


def value(f: Finding) -> str:
    """The answer in a few words."""
    q = f.quantities
    if "used" in q:
        limit = f" of {_number(q['limit'])} B ({f.place})" if "limit" in q else " B"
        return _number(q["used"]) + limit
    if "npu" in q:
        return f"{_number(q['npu'])} on the NPU, {_number(q['cpu'])} on the CPU"
    if "accepted" in q:
        return _operators(q["accepted"], q["refused"], q["unknown"])
    if "latency" in q:
        return _latency(q["latency"])
    return _answer(f)


def reason(f: Finding) -> str:
    """Why, with the numbers that it rests on, and what to do about it."""
    return f"{_reason(f)}. {f.advice}".rstrip()


def _number(q: Quantity) -> str:
    return f"{q.value:,}"


def _operators(accepted: Quantity, refused: Quantity, unknown: Quantity) -> str:
    total = sum(each.value or 0 for each in (accepted, refused, unknown))
    rest = "".join(
        f", {each.value} {word}" for each, word in ((refused, "not"), (unknown, "unknown")) if each.value
    )
    return f"{accepted.value} of {total} operators{rest}"


def _latency(q: Quantity) -> str:
    return f"{q.low:.3g} to {q.high:.3g} ms" if q.value is None else f"{q.value:g} ms"


def _answer(f: Finding) -> str:
    """The answer of a finding without numbers."""
    if f.kind == "estimate":
        return "not estimated"
    if f.status == "ok":
        return f.place
    if f.status == "unknown":
        return "not checked"
    return "not compiled" if f.decides == "npu" else "no"


def _reason(f: Finding) -> str:
    q = f.quantities
    if f.operators:
        return "; ".join(f"{why} ({n} x)" if n > 1 else why for why, n in f.operators.items())
    if "head" in q:
        parts = f"head {_number(q['head'])} B (activations), tail {_number(q['tail'])} B (structures)"
        return f"{parts}; {f.reason}"
    if "cycles" in q:
        rate = q["rate"]
        vela = f"vela says {q['vela'].value:.3f} ms ({_number(q['cycles'])} cycles)"
        return f"{vela}; published latencies were x{rate.low} to x{rate.high} of it"
    if "adds" in q:
        rate = q["rate"]
        clock = f" at {(q['clock'].value or 0) / 1e6:g} MHz" if "clock" in q else ""
        adds = (q["adds"].value or 0) / 1e6
        return f"{adds:.2f} M multiply-adds, {rate.low:g} to {rate.high:g} {rate.unit}{clock}"
    return f.reason
