"""What is known of a file on devices (measured, published, estimated), and the verdicts on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from eyespot.artifacts.measurements import Compatibility, Finding, Status
from eyespot.devices import REMEDY, Device, Estimate, Region, devices
from eyespot.devices.compiled import judge, target
from eyespot.devices.compilers import Compilation
from eyespot.devices.host import HostMeasurements, tool
from eyespot.devices.latency import work
from eyespot.devices.neutron import activations, npu_parts
from eyespot.devices.rules import Ruleset, apply, ruleset
from eyespot.errors import BadFileError, EyespotError, RefusedError, UnfitError
from eyespot.quantity import Kind, Quantity, quantities
from eyespot.tflite.read import File
from eyespot.tflite.tflm import Arena

WORST: tuple[Status, ...] = ("fails", "unknown", "partial", "ok")
HOST = "measured on this host, not on the device"


def check_file(
    host: HostMeasurements, cards: Sequence[Device], *,
    ram: int | None = None, flash: int | None = None,
) -> tuple[Compatibility, ...]:  # fmt: skip
    """A file on devices. `ram` and `flash` are the bytes of regions that a card leaves open.

    RefusedError if no card leaves them open.
    """
    equipped = [_with_memory(card, {"arena": ram, "npu sram": ram, "flash": flash}) for card in cards]
    if {ram, flash} != {None} and equipped == list(cards):
        names = ", ".join(card.name for card in cards)
        without = ", ".join(each.name for each in devices() if any(r.bytes is None for r in each.memory))
        raise RefusedError(f"{names}: its card has its memory; --ram and --flash are for {without}")
    if not target(host.file):
        host.measure(equipped)
    return tuple(_compatibility(host, card) for card in equipped)


def demand(file: File, results: Sequence[Compatibility]) -> None:
    """UnfitError unless all of the file runs on each NPU, and on a device without an NPU runs."""
    if unfit := [c.device for c in results if (c.npu or c.runs).status != "ok"]:
        raise UnfitError(f"{file.path}: not ok on {', '.join(unfit)}; the findings say why", results)


def _with_memory(card: Device, sizes: Mapping[str, int | None]) -> Device:
    memory = (replace(r, bytes=sizes.get(r.use)) if r.bytes is None else r for r in card.memory)
    return replace(card, memory=tuple(memory))


def _compatibility(host: HostMeasurements, device: Device) -> Compatibility:
    """All findings, and for each verdict the worst of those that decide it."""
    findings = _findings(host, device)

    def worst(verdict: str) -> Finding:
        decisive = (f for f in findings if f.decides in {verdict, "both"})
        return min(decisive, key=lambda f: WORST.index(f.status))

    npu = worst("npu") if device.npu else None
    runs, sha256 = worst("runs"), host.file.sha256
    if npu and npu.status in {"ok", "partial"} and (runs.status, runs.check) == ("fails", "runs"):
        npu = runs  # what the runtime does not take never reaches the NPU
    return Compatibility(device=device.name, file=sha256, runs=runs, npu=npu, findings=findings)


def _findings(host: HostMeasurements, device: Device) -> tuple[Finding, ...]:
    """All findings of a file on a device; each of its verdicts is decided by one at least."""
    if found := target(host.file):
        return (*judge(host.operators, device, found), *_of_compiled(host, device))
    rulesets = [ruleset(name) for name in device.rules]
    if not device.npu and (of_npu := [each.name for each in rulesets if each.decides == "npu"]):
        raise BadFileError(f"{device.name}.toml: expected `npu`, as {of_npu[0]} has the rules of one. {REMEDY}")
    findings = [TOOLS[name](host, device) for name in device.tools]
    findings += [apply(each, host.operators) for each in rulesets]
    decided = {f.decides for f in findings}
    wanted = ("runs", "npu") if device.npu else ("runs",)
    undecided = [verdict for verdict in wanted if not decided & {verdict, "both"}]
    reason = "no tool on this host and no published rule decides it"
    findings += [_unknown(device, each, reason, kind="rule", decides=each) for each in undecided]
    findings += [f for region in device.memory for f in _memory(host, device, region)]
    stopped = {f.decides for f in findings if f.status == "fails"}
    return (*findings, *_estimates(host, device, stopped), *_published(host, device))


def _of_compiled(host: HostMeasurements, device: Device) -> Iterator[Finding]:
    """What can be said without the NPU: no tool here runs a compiled file."""
    for region in device.memory:
        if region.use in {"flash", "npu activations"}:
            yield from _memory(host, device, region)
    for check in sorted({each.check for each in device.latency}):
        yield _unknown(device, check, "its multiply-adds are inside the compiled operator")


def _runs(device: Device, title: str, package: str, result: object) -> Finding:
    advice = "quantize it with eyespot: int8 in and out, supported operators"
    reason = f"{title} runs it ({HOST})"
    return _tried(device, package, result, advice, check="runs", place=title, reason=reason, decides="runs")


def _vela(host: HostMeasurements, device: Device) -> Finding:
    """Vela's exit code says nothing: what counts is where it put the operators."""
    vela, advice = host.vela(device), "quantize to int8 and use operators that the NPU has"
    fields = {"check": "npu operators", "decides": "npu", "reason": "every operator is compiled for the NPU"}
    finding = _tried(device, "ethos-u-vela", vela, advice, **fields)
    if not isinstance(vela, Compilation):
        return finding
    npu, cpu = vela.facts["npu"], vela.facts["cpu"]
    finding = replace(finding, quantities=quantities("operators", tool=finding.tool, npu=npu, cpu=cpu))
    if npu and not cpu:
        return finding
    reason = "; ".join(vela.reasons[:3]) or ("vela gives no reason" if cpu else "it has no operators")
    return replace(finding, status="partial" if npu else "fails", reason=reason, advice=advice)


def _tried(device: Device, package: str, result: object, advice: str, **fields: Any) -> Finding:
    """A tool's finding. If the result is an error, only a refusal says something about the file."""
    finding = Finding(status="ok", kind="measured", tool=tool(package), source=device.source, **fields)
    if isinstance(result, BadFileError):
        return replace(finding, status="fails", reason=str(result), advice=advice)
    if isinstance(result, EyespotError):
        return replace(finding, status="unknown", reason=str(result))
    return finding


TOOLS: dict[str, Callable[[HostMeasurements, Device], Finding]] = {
    "litert": lambda host, device: _runs(device, "LiteRT", "ai-edge-litert", host.litert),
    "tflm": lambda host, device: _runs(device, "TFLM", "tflite-micro", host.arena),
    "vela": _vela,
}


def _memory(host: HostMeasurements, device: Device, region: Region) -> Iterator[Finding]:
    """What the file needs of a region; nothing if the tool that measures it did not accept the file."""
    if region.use == "flash":
        yield _within(region, "the file; code comes on top", "eyespot", used=len(host.file.data))
    elif region.use == "npu activations":
        if (part := activations(host.file, host.operators, _npu_rules(device))) is not None:
            sizes = {"used": part.total, "inputs": part.inputs, "outputs": part.outputs, "scratch": part.scratch}
            yield _within(region, "inputs, outputs and scratch of the NPU's part", "eyespot", kind="rule", **sizes)
    elif region.use == "npu sram":
        vela = host.vela(device)
        if isinstance(vela, Compilation) and vela.facts["npu"]:
            yield _within(region, "as vela plans it", "ethos-u-vela", used=vela.facts["sram"])
    elif isinstance(arena := host.arena, Arena):
        yield _within(region, HOST, "tflite-micro", used=arena.total, head=arena.head, tail=arena.tail)


def _npu_rules(device: Device) -> Ruleset:
    """The rules that say what the NPU takes. BadFileError if the device's file names none."""
    for rules in map(ruleset, device.rules):
        if rules.decides == "npu":
            return rules
    raise BadFileError(
        f"{device.name}.toml: expected `rules` of its NPU, such as neutron-mcxn947, as its latency or its memory "
        f"depends on what the NPU takes; found {', '.join(device.rules) or 'none'}. {REMEDY}"
    )


def _within(region: Region, reason: str, package: str, kind: Kind = "measured", **sizes: int) -> Finding:
    """Compare the bytes `used` with the region's, if those are known."""
    by, over = tool(package), region.bytes is not None and sizes["used"] > region.bytes
    counted = quantities("B", kind=kind, tool=by, source="", **sizes)
    if region.bytes is None:
        reason += f"; compare with your part's, or give {region.name}"
    else:
        counted |= quantities("B", kind="quoted", source=region.source, limit=region.bytes)
    return Finding(
        check=region.use, place=region.name, status=region.over if over else "ok", kind=kind, tool=by,
        source=region.source, reason=reason, quantities=counted, advice=region.advice if over else "",
        decides=region.decides,
    )  # fmt: skip


def _estimates(host: HostMeasurements, device: Device, stopped: Set[str]) -> Iterator[Finding]:
    """A finding for each estimate; unknown if the verdict (`runs`, `npu`, `both`) is stopped."""
    for estimate in device.latency:
        if stopped & {"both", "npu" if estimate.check == "npu latency" else "runs"}:
            yield _unknown(device, estimate.check, "it does not run there")
        elif host.file.precision == "float32":
            yield _unknown(device, estimate.check, "the published latencies are those of integer files")
        elif estimate.per == "vela millisecond":
            yield _by_vela(host, device, estimate)
        elif estimate.per == "fitted milliseconds":
            yield _by_fit(host, device, estimate)
        else:
            yield _by_operations(host, device, estimate)
    if not device.latency:
        where = "on its NPU and on its CPU" if device.npu else "there"
        why = "quoted for their own models alone" if device.published else "not published"
        port = "ssh://user@board" if "litert" in device.tools else "serial:/dev/ttyACM0, which the C example prints to"
        reason = f"how long it takes {where} is unknown: latencies to estimate it from are {why}"
        yield _unknown(device, "latency", reason, advice=f"measure it: eyespot bench --on {port}")


def _published(host: HostMeasurements, device: Device) -> Iterator[Finding]:
    """What the maker published for the model of this file's contract."""
    name, source = host.file.contract.model if host.file.contract else "", device.published_source
    for number in (each for each in device.published if each.model == name):
        yield Finding(
            check="published", place=number.processor, status="ok", kind="quoted", tool="none", source=source,
            reason=f"published for another file of {name}, measured by its publisher",
            quantities=quantities("ms", kind="quoted", source=source, latency=number.milliseconds),
        )  # fmt: skip


def _by_vela(host: HostMeasurements, device: Device, estimate: Estimate) -> Finding:
    vela = host.vela(device)
    if not isinstance(vela, Compilation) or vela.facts["cpu"]:
        return _unknown(device, estimate.check, _no_vela(vela))
    low, high, by = vela.milliseconds * estimate.least, vela.milliseconds * estimate.most, tool("ethos-u-vela")
    return _estimate(estimate, low, high, by, "vela's latency times a published rate", **_as_vela_counts(vela))


def _no_vela(vela: Compilation | EyespotError | None) -> str:
    """Why vela says nothing about a file's latency; "" if it does."""
    if isinstance(vela, EyespotError):
        return str(vela)
    return "vela counts no cycles for operators on the CPU" if vela is None or vela.facts["cpu"] else ""


def _as_vela_counts(vela: Compilation) -> dict[str, Quantity]:
    by = tool("ethos-u-vela")
    counted = quantities("ms", tool=by, vela=vela.milliseconds)
    return counted | quantities("cycles", tool=by, cycles=vela.facts["cycles"])


def _by_operations(host: HostMeasurements, device: Device, estimate: Estimate) -> Finding:
    adds, by = host.file.operations // 2, tool("eyespot")
    if not adds:
        return _unknown(device, estimate.check, "the file has no multiply-adds")
    low, high = (1000 * adds * rate / estimate.hertz for rate in (estimate.least, estimate.most))
    more = quantities("multiply-adds", tool=by, adds=adds)
    more |= quantities("Hz", kind="quoted", source=estimate.source, clock=estimate.hertz)
    return _estimate(estimate, low, high, by, "the multiply-adds at a published rate", **more)


def _by_fit(host: HostMeasurements, device: Device, estimate: Estimate) -> Finding:
    """The work that is done there, at what a unit of it took in published latencies."""
    on_npu, by, vela = estimate.check == "npu latency", tool("eyespot"), host.vela(device)
    if on_npu and vela and (reason := _no_vela(vela)):
        return _unknown(device, estimate.check, reason)
    parts = npu_parts(host.operators, _npu_rules(device)) if on_npu and not vela else (host.operators,)
    operators = [operator for part in parts for operator in part]
    done = work(operators)
    if not operators:
        return _unknown(device, estimate.check, "no operator runs there")
    if estimate.most_adds and done["multiply-adds"] > estimate.most_adds:
        limit = f"published latencies do not tell it above {estimate.most_adds / 1e6:,.0f} M multiply-adds"
        return _unknown(device, estimate.check, f"{limit}; the file has {done['multiply-adds'] / 1e6:,.0f} M")
    milliseconds = sum(each * done[kind] for kind, each in estimate.cost.items())
    more = quantities("multiply-adds", tool=by, adds=done["multiply-adds"])
    if isinstance(vela, Compilation):
        more |= _as_vela_counts(vela)
    low, high = milliseconds * estimate.least, milliseconds * estimate.most
    return _estimate(estimate, low, high, by, "its work, by a fit to published latencies", **more)


def _estimate(e: Estimate, low: float, high: float, by: str, reason: str, **more: Quantity) -> Finding:
    latency = Quantity(low=low, high=high, unit="ms", kind="estimate", tool=by, source=e.source)
    rate = Quantity(low=e.least, high=e.most, unit=e.per, kind="quoted", source=e.source)
    return Finding(
        check=e.check, status="ok", kind="estimate", tool=by, source=e.source, reason=reason,
        quantities={"latency": latency, "rate": rate, **more},
    )  # fmt: skip


def _unknown(device: Device, check: str, reason: str, **fields: Any) -> Finding:
    fields = {"kind": "estimate", "tool": "none", **fields}
    return Finding(check=check, status="unknown", source=device.source, reason=reason, **fields)
