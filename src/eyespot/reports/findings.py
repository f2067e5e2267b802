"""Findings in words."""

from __future__ import annotations

from eyespot.artifacts.measurements import Finding


def check(f: Finding) -> str:
    """What was checked; its place is named if others of the same device decide."""
    return f"{f.check}, {f.place}" if f.place and f.decides == "nothing" else f.check


def value(f: Finding) -> str:
    """The answer in a few words."""
    q = {name: quantity.value or 0 for name, quantity in f.quantities.items()}
    if "used" in q:
        return f"{q['used']:,}" + (f" of {q['limit']:,} B ({f.place})" if "limit" in q else " B")
    if "npu" in q:
        return f"{q['npu']:,} on the NPU, {q['cpu']:,} on the CPU"
    if "accepted" in q:
        rest = f", {q['refused']} not" if q["refused"] else ""
        rest += f", {q['unknown']} unknown" if q["unknown"] else ""
        return f"{q['accepted']} of {sum(q.values())} operators{rest}"
    if "latency" in q:
        latency = f.quantities["latency"]
        return f"{q['latency']:g} ms" if q["latency"] else f"{latency.low:.3g} to {latency.high:.3g} ms"
    return _answer(f)


def reason(f: Finding) -> str:
    """Why, with the numbers that it rests on, and what to do about it."""
    return f"{_reason(f)}. {f.advice}".rstrip()


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
    q = {name: quantity.value or 0 for name, quantity in f.quantities.items()}
    if f.operators:
        return "; ".join(f"{why} ({n} x)" if n > 1 else why for why, n in f.operators.items())
    if "head" in q:
        return f"head {q['head']:,} B (activations), tail {q['tail']:,} B (structures); {f.reason}"
    if "rate" not in q:
        return f.reason
    rate = f.quantities["rate"]
    if "vela" in q:
        published = f"published latencies were x{rate.low} to x{rate.high} of it"
        return f"vela says {q['vela']:.3f} ms ({q['cycles']:,} cycles); {published}"
    clock = f" at {q['clock'] / 1e6:g} MHz" if "clock" in q else ""
    return f"{q['adds'] / 1e6:.2f} M multiply-adds, {rate.low:g} to {rate.high:g} {rate.unit}{clock}"
