"""How NXP's neutron-converter splits a graph and what the parts need, modelled on files that it converted.

All operators that the NPU takes and that wait for the same CPU operators become one NeutronGraph. In the arena
of TFLM lie its inputs, its outputs and its scratch: the most bytes of the tensors in between that live at one
time, when each operator runs right before the first that needs it and the smallest output
comes first. A RESHAPE, a PAD and a QUANTIZE take nothing
of their own: the NPU does them as it reads or writes. This gives the scratch of all 11 converted files at hand
to the byte (benchmarks/mcxn947.json).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from eyespot.devices.rules import Ruleset, status_of
from eyespot.tflite.operators import Operator
from eyespot.tflite.read import File

FREE = ("PAD", "QUANTIZE", "RESHAPE")  # operators whose output takes the place of their input


@dataclass(frozen=True, kw_only=True)
class Activations:
    """Bytes of a NeutronGraph in the arena; `others` pass by it, from before it to after it."""

    inputs: int
    outputs: int
    scratch: int
    others: int = 0

    @property
    def total(self) -> int:
        """The sum."""
        return self.inputs + self.outputs + self.scratch + self.others


def activations(file: File, operators: Sequence[Operator], rules: Ruleset) -> Activations | None:
    """Of the NeutronGraph that needs most; None if the NPU gets nothing or a tensor's type has no size."""
    tensors = (t for each in operators for t in (*each.images, *each.outputs))
    sizes = {t.index: t.bytes for t in tensors}
    known = {index: size for index, size in sizes.items() if size is not None}
    results = set(map(int, file.graph.outputs))
    if len(known) < len(sizes):
        return None
    parts = [_part(part, operators, results, known) for part in npu_parts(operators, rules)]
    return max(parts, key=lambda part: part.total, default=None)


def npu_parts(operators: Sequence[Operator], rules: Ruleset) -> tuple[tuple[Operator, ...], ...]:
    """The operators of each NeutronGraph: those that wait for the same operators on the CPU."""
    phase: dict[int, int] = {}  # of a tensor: how many parts come before whoever reads it
    parts: dict[int, list[Operator]] = {}
    for each in operators:
        begins, on_npu = max((phase.get(t.index, 0) for t in each.images), default=0), status_of(rules, each) != "fails"
        if on_npu:
            parts.setdefault(begins, []).append(each)
        phase |= dict.fromkeys((t.index for t in each.outputs), begins + (not on_npu))
    return tuple(tuple(part) for _, part in sorted(parts.items()))


def _part(
    part: Sequence[Operator], operators: Sequence[Operator], results: set[int], sizes: dict[int, int]
) -> Activations:
    made, inside = {t.index for each in part for t in each.outputs}, {id(each) for each in part}
    places = [place for place, each in enumerate(operators) if id(each) in inside]
    inputs = _read(part) - made
    outputs = made & (_read(each for each in operators if id(each) not in inside) | results)
    later = {t.index for each in operators[places[0] :] for t in each.outputs}
    others = (_read(operators[places[-1] + 1 :]) | results) - later - inputs
    return Activations(
        inputs=sum(sizes[i] for i in inputs), outputs=sum(sizes[i] for i in outputs),
        others=sum(sizes[i] for i in others if i in sizes), scratch=_scratch(part, inputs, outputs, sizes),
    )  # fmt: skip


def _read(operators: Iterable[Operator]) -> set[int]:
    return {t.index for each in operators for t in each.images}


def _scratch(part: Sequence[Operator], inputs: set[int], outputs: set[int], sizes: dict[int, int]) -> int:
    """The most bytes of tensors that are neither inputs nor outputs and live at one time."""
    place: dict[int, int] = {}
    for each in part:
        own = [each.images[0].index] if each.name in FREE and each.images else []
        place |= {t.index: place.get(own[0], own[0]) if own else t.index for t in each.outputs}
    smallest_first = sorted(outputs, key=lambda i: (sizes[i], i))
    kept = inputs | {place[i] for i in outputs}
    steps = [[place.get(t.index, t.index) for t in (*e.images, *e.outputs)] for e in _order(part, smallest_first)]
    last = {i: step for step, used in enumerate(steps) for i in used}
    live, most = set[int](), 0
    for step, used in enumerate(steps):
        live |= set(used) - kept
        most = max(most, sum(sizes[i] for i in live))
        live -= {i for i in used if last[i] == step}
    return most


def _order(part: Sequence[Operator], outputs: Sequence[int]) -> Iterator[Operator]:
    """Each operator right before the first that needs it."""
    makers = {t.index: each for each in part for t in each.outputs}
    stack, begun, done = [makers[i] for i in reversed(outputs)], set[int](), set[int]()
    while stack:
        each = stack.pop()
        if id(each) in begun:
            if id(each) not in done:
                yield each
            done.add(id(each))
            continue
        begun.add(id(each))
        stack += [each, *(makers[t.index] for t in reversed(each.images) if t.index in makers)]
