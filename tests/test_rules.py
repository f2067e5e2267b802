"""Device cards, operator rules and what rules can ask of an operator."""

from __future__ import annotations

import importlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as generated

from eyespot import decoding
from eyespot.artifacts import places
from eyespot.devices import FOLDER, device, devices, read_device, with_vela
from eyespot.devices.host import HostMeasurements
from eyespot.devices.latency import work
from eyespot.devices.neutron import activations, npu_parts
from eyespot.devices.rules import PREDICATES, Condition, Rule, Ruleset, apply, ruleset, status_of
from eyespot.devices.verdicts import check_file
from eyespot.errors import BadFileError, MissingDataError, RefusedError, UnknownNameError
from eyespot.reports.words import reason, value
from eyespot.tflite import schema
from eyespot.tflite.operators import FIELDS, Operator, operators
from eyespot.tflite.read import File, read
from eyespot.zoo import registry
from eyespot.zoo.models import MODELS

RULES = sorted(path.stem for path in (FOLDER / "rules").glob("*.toml"))
ROOT = places.PACKAGE.parents[1]
NAMES = tuple(card.name for card in devices())
NPUS = {"imx93", "imx8mp", "mcxn947", "imx95", "imxrt700", "ethos-u"}


# --- the cards


def test_the_order_is_the_files_own():
    known = (
        "imx93", "imx8mp", "mcxn947", "imxrt1170", "imxrt1050", "cortex-m", "linux-arm64", "imx95", "imxrt700",
        "ethos-u", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55", "cortex-m85", "raspberry-pi-4",
        "raspberry-pi-5",
    )  # fmt: skip
    assert known == NAMES
    assert len({card.position for card in devices()}) == len(known)


@pytest.mark.parametrize("card", devices(), ids=lambda card: card.name)
def test_device_cards_give_their_sources(card):
    parts = [
        *card.clocks,
        *card.memory,
        *map(ruleset, card.rules),
        *card.latency,
        *([card.compiler] if card.compiler else []),
    ]
    assert all(part.source for part in (card, *parts))
    assert bool(card.published) <= bool(card.published_source)
    assert all(e.least < e.most for e in card.latency)
    assert {p.model for p in card.published} <= {
        *(m.name for m in MODELS), "deepface-emotion", "mobilenet-v1", "visual-wake-word", "mobilenet-v2",
        "mnasnet", "efficientnet-lite0",
    }  # fmt: skip
    assert (card.name in NPUS) == (card.npu is not None)


@pytest.mark.parametrize("name", RULES)
def test_rules_concern_listed_operators_and_give_reasons(name):
    rules = ruleset(name)
    assert rules.source
    assert len(rules.operators) == len(set(rules.operators))
    for rule in rules.rules:
        assert rule.why
        assert {*rule.operators, *rule.but} <= set(rules.operators)


def test_there_are_at_most_a_dozen_predicates():
    assert len(PREDICATES) <= 12


def test_no_device_and_no_maker_in_python():
    """Adding a device is adding a file."""
    source = "".join(path.read_text("utf-8") for path in places.PACKAGE.rglob("devices/*.py"))
    assert not any(f'"{name}"' in source for name in NAMES)
    assert "Dedicated_Sram" not in source


BOARD = """
position = 1
title = "B"
tools = ["litert"]
source = "x"
"""
FLASH = """
[[memory]]
use = "flash"
name = "1 MB"
bytes = 1_000_000
decides = "both"
advice = "a"
source = "x"
"""


def board(folder, text: str):
    path = folder / "board.toml"
    path.write_text(text)
    return read_device(path)


def test_a_device_is_a_file(tmp_path, tiny):
    card = board(tmp_path, BOARD + FLASH)
    assert (card.name, card.memory[0].bytes) == ("board", 1_000_000)
    (c,) = check_file(HostMeasurements(file=tiny), [card])
    assert (c.device, c.runs.status, c.npu) == ("board", "ok", None)


def test_the_example_of_the_documents_is_a_device(tmp_path, tiny):
    (text,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/devices-howto.md").read_text("utf-8"), re.S)
    (c,) = check_file(HostMeasurements(file=tiny), [board(tmp_path, text)])
    assert c.runs.status == "ok"
    assert "arena" in {f.check for f in c.findings}


def test_an_npu_that_nothing_decides_is_unknown(tmp_path, tiny):
    """Enough flash is no proof that the NPU has the operators."""
    for text in (BOARD + 'npu = "N"\n', BOARD + 'npu = "N"\n' + FLASH):
        (c,) = check_file(HostMeasurements(file=tiny), [board(tmp_path, text)])
        assert (c.runs.status, c.npu.status) == ("ok", "unknown")
        assert c.npu.reason == "no tool on this host and no published rule decides it"
        assert c.npu in c.findings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("position = ", "Invalid value (at end of document)"),
        (BOARD.replace("1", '"1"'), "expected `int`, found `str` at `$.position`"),
        (BOARD.replace('title = "B"', ""), "object missing required field `title`"),
        (BOARD + "colour = 1", "unknown field `colour` at `$`"),
        (BOARD.replace("litert", "tensorrt"), "invalid enum value 'tensorrt' at `$.tools[0]`"),
        (BOARD.replace("litert", "vela"), 'expected the compiler "vela", as `tools` names it'),
        (
            BOARD + FLASH.replace("1_000_000", '"1M"'),
            "expected `int | null`, found `str` at `$.memory[0].bytes`",
        ),
        (BOARD + FLASH + "colour = 1", "unknown field `colour` at `$.memory[0]`"),
        (BOARD + FLASH.replace("flash", "disk"), "invalid enum value 'disk' at `$.memory[0].use`"),
        (
            BOARD + '[[clocks]]\nname = "a"\nhertz = nan\nsource = "x"',
            "expected `float` > 0.0 at `$.clocks[0].hertz`",
        ),
    ],
)
def test_a_faulty_device_file_is_one_line(tmp_path, text, message):
    with pytest.raises(BadFileError) as caught:
        board(tmp_path, text)
    remedy = "Correct the file; docs/devices-howto.md shows one"
    assert str(caught.value) == f"{tmp_path}/board.toml: {message}. {remedy}"


NPU = 'npu = "N"\n'
VELA = '[compiler]\nname = "vela"\narguments = {}\noffered = "x"\nsource = "x"\n'
FITTED = """
[[latency]]
check = "npu latency"
per = "fitted milliseconds"
least = 1
most = 2
source = "x"
[latency.cost]
inferences = 1
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            BOARD + NPU + FITTED.replace("least = 1", "least = 3"),
            "expected `least` to be at most `most`, found 3 and 2",
        ),
        (BOARD + FITTED, "expected `npu`, the name of the NPU, as there is npu latency"),
        (BOARD + FLASH.replace("flash", "npu sram"), "expected `npu`, the name of the NPU, as there is npu sram"),
        (BOARD + VELA.format("[]"), "expected `npu`, the name of the NPU, as there is compiler"),
        (BOARD + NPU + VELA.format('["--memory-mode"]'), "expected `arguments` with a value each, of --accelerator"),
        (BOARD + NPU + VELA.format('["--output-dir", "/"]'), "expected `arguments` with a value each, of --acceler"),
        (BOARD + NPU + VELA.format("[]").replace("vela", "neutron-converter"), "expected the argument --target"),
    ],
)
def test_fields_that_do_not_fit_each_other(tmp_path, text, message):
    with pytest.raises(BadFileError, match=re.escape(message)):
        board(tmp_path, text)


def test_what_depends_on_an_npu_needs_its_rules(tmp_path, tiny):
    for text in (FITTED, FLASH.replace("flash", "npu activations")):
        with pytest.raises(BadFileError, match=r"board\.toml: expected `rules` of its NPU, .* found tflm\. Correct"):
            check_file(HostMeasurements(file=tiny), [board(tmp_path, BOARD + 'rules = ["tflm"]\n' + NPU + text)])


def test_rules_of_an_npu_need_one(tmp_path, tiny):
    card = board(tmp_path, BOARD + 'rules = ["tflm", "neutron-mcxn947"]\n')
    with pytest.raises(BadFileError, match=r"board\.toml: expected `npu`, as neutron-mcxn947 has the rules of one"):
        check_file(HostMeasurements(file=tiny), [card])


def test_a_device_file_as_windows_writes_it(tmp_path):
    (tmp_path / "board.toml").write_bytes(b"\xef\xbb\xbf" + BOARD.replace("\n", "\r\n").encode())
    assert read_device(tmp_path / "board.toml").title == "B"


def test_rules_that_do_not_exist(tmp_path):
    with pytest.raises(BadFileError, match=r"board\.toml: expected `rules` of .*tflm, .*, found 'nothing'\. Correct"):
        board(tmp_path, BOARD + 'rules = ["nothing"]')


RULESET = """
title = "T"
source = "x"
check = "operators"
decides = "runs"
unlisted = "fails"
advice = "a"
operators = ["ADD"]
[[rules]]
why = "w"
"""


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ('field = "type"\npredicate = "is"\nbound = []', "unknown `predicate` 'is' at `$.rules[0]`"),
        ('field = "colour"\npredicate = "in"\nbound = []', "unknown `field` 'colour' at `$.rules[0]`"),
        ('predicate = "same"', "unknown `field` '' at `$.rules[0]`"),
        (
            'field = "rank"\npredicate = "at most"\nbound = "4"',
            "expected `float`, found `str` at `$.rules[0]`",
        ),
        ('field = "rank"\npredicate = "between"\nbound = [1]', "expected `array` of length 2, found 1"),
        ('field = "type"\npredicate = "at most"\nbound = 4', "expected a `field` with numbers, found 'type'"),
        ('predicate = "never"\notherwise = "partial"', "invalid enum value 'partial'"),
        ('predicate = "never"\nmust = 1', "unknown field `must` at `$.rules[0]`"),
    ],
)
def test_a_faulty_rule_is_one_line(tmp_path, rule, message):
    path = tmp_path / "r.toml"
    path.write_text(RULESET + rule)
    with pytest.raises(BadFileError) as caught:
        decoding.read(Ruleset, path, "Correct it", name="r")
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_unknown_device():
    with pytest.raises(UnknownNameError, match="no device is called 'imx92'"):
        device("imx92")


# --- predicates and fields


@pytest.mark.parametrize(
    ("predicate", "bound", "holds", "breaks"),
    [
        ("in", [1, 2], (1, 2), (1, 3)),
        ("not in", ["int64"], ("int8",), ("int8", "int64")),
        ("at least", 1, (1, 9), (0,)),
        ("at most", 4, (4,), (5, 1)),
        ("between", [1, 3], (1, 3), (4,)),
        ("same", None, ("int8", "int8"), ("int8", "uint8")),
    ],
)
def test_predicates(predicate, bound, holds, breaks):
    _, fulfilled = PREDICATES[predicate]
    assert fulfilled(holds, bound)
    assert fulfilled((), bound), "what an operator does not have breaks no rule"
    assert not fulfilled(breaks, bound)


@pytest.mark.parametrize("predicate", ["never", "unverified"])
def test_predicates_that_nothing_fulfils(predicate):
    assert not PREDICATES[predicate][1]((), None)


@pytest.fixture(scope="module")
def tiny() -> File:
    return read(registry.find("tiny-resnet"))


def values(file: File, name: str, field: str, place: int = 0):
    return FIELDS[field]([o for o in operators(file) if o.name == name][place])


def test_fields_of_a_convolution(tiny):
    assert values(tiny, "CONV_2D", "type") == ("int8", "int8")
    assert values(tiny, "CONV_2D", "stride") == (1, 1)
    assert values(tiny, "CONV_2D", "kernel area") == (9,)
    assert values(tiny, "CONV_2D", "kernel height") == (3,)
    assert values(tiny, "CONV_2D", "scales") == (1, 16, 1)
    assert values(tiny, "CONV_2D", "bias type") == ("int32",)
    assert values(tiny, "CONV_2D", "weights are constant") == (True,)
    assert values(tiny, "CONV_2D", "groups") == (1,)
    assert values(tiny, "CONV_2D", "activation") == ("RELU",)
    assert 0 < values(tiny, "CONV_2D", "weight sum")[0] <= 27 * 127


def test_fields_that_an_operator_does_not_have(tiny):
    assert values(tiny, "ADD", "stride") == ()
    assert values(tiny, "ADD", "weight type") == ()
    assert values(tiny, "SOFTMAX", "groups") == ()
    assert values(tiny, "ADD", "an input has the output's shape") == (True,)
    assert values(tiny, "AVERAGE_POOL_2D", "filter") == (8, 8)
    assert values(tiny, "AVERAGE_POOL_2D", "padding") == ("VALID",)


def test_every_field_takes_every_operator(tiny, data_root):
    for file in (tiny, read(data_root / "published/mobilenet_v1_0.25_128_quant.tflite")):
        for operator in operators(file):
            assert all(isinstance(field(operator), tuple) for field in FIELDS.values())


NEUTRON = ruleset("neutron-mcxn947")
CONVERTED = {each["name"]: each for each in json.loads((ROOT / "benchmarks/mcxn947.json").read_text())["files"]}


def test_what_a_neutron_graph_needs_is_what_nxps_converter_allots(tiny, data_root):
    """49,152 B is TFLM's head for this network; the others are what NXP's converted files say."""
    assert activations(tiny, operators(tiny), NEUTRON).scratch == 49_152
    for name, published in {"ic": "pretrainedResnet_quant", "vww": "vww_96_int8"}.items():
        file = read(data_root / f"published/{published}.tflite")
        assert file.sha256 == CONVERTED[name]["sha256"]
        found = activations(file, operators(file), NEUTRON)
        [graph] = CONVERTED[name]["neutron graphs"]
        assert (found.inputs, found.scratch, found.others) == (graph["inputs"], graph["scratch"], 0)
        assert found.total == pytest.approx(sum(graph.values()), rel=0.03)


def test_what_stays_on_the_cpu_is_what_nxps_converter_leaves_there(data_root):
    for name, published in {"ic": "pretrainedResnet_quant", "vww": "vww_96_int8"}.items():
        found = apply(NEUTRON, operators(read(data_root / f"published/{published}.tflite")))
        left = {why.split(":")[0]: count for why, count in found.operators.items()}
        assert (found.status, left) == ("partial", CONVERTED[name]["cpu operators"])
        assert re.fullmatch("the last slice, reshape and softmax, [0-9]+ numbers, run on the CPU: .*", found.reason)


def test_a_last_softmax_costs_nothing_worth_naming(tiny):
    """Of 10 numbers it does; of many numbers, or before an operator of the NPU, it does not."""
    *others, softmax = operators(tiny)
    said = apply(NEUTRON, (*others[:-1], replace(others[-1], producers=()), softmax))
    assert said.reason == "the last softmax, 10 numbers, runs on the CPU: no cost worth naming"
    assert "--logits" in said.advice
    many = replace(softmax, inputs=(replace(softmax.inputs[0], shape=(1, 5000)),))
    for each in ((*others, many), (*others, softmax, others[0]), (softmax, softmax)):
        assert "no cost" not in apply(NEUTRON, each).reason


def quantize(maker: Operator, *, kind: str = "int8") -> Operator:
    """A QUANTIZE behind an operator."""
    image = replace(maker.outputs[0], dtype=kind)
    return Operator(name="QUANTIZE", inputs=(image,), outputs=maker.outputs, options=None, producers=(maker,))


def test_neutron_takes_what_is_part_of_another_operator(tiny):
    """As of NXP's person detection: a QUANTIZE after a convolution, a CONCATENATION of fours."""
    found = operators(tiny)
    convolution, pool = found[0], next(o for o in found if o.name == "AVERAGE_POOL_2D")
    assert status_of(NEUTRON, quantize(convolution)) == "ok"
    assert status_of(NEUTRON, quantize(pool)) == "fails"
    assert status_of(NEUTRON, quantize(convolution, kind="float32")) == "fails"
    for channels, status in ((4, "ok"), (1, "fails")):
        part = replace(pool.outputs[0], shape=(1, 8, 10, channels))
        joined = Operator(name="CONCATENATION", inputs=(part, pool.inputs[0]), outputs=pool.outputs, options=None)
        assert status_of(NEUTRON, joined) == status


@pytest.mark.parametrize(
    ("axes", "status"), [([1, 2], "ok"), ([-2, 1], "ok"), ([3], "unknown"), ([1, 2, 3], "unknown")]
)
def test_neutron_takes_a_mean_that_is_a_global_pool(tiny, axes, status):
    pool = next(o for o in operators(tiny) if o.name == "AVERAGE_POOL_2D")
    bound = replace(pool.inputs[0], index=99, constant=True, dtype="int32", values=np.array(axes, np.int32))
    mean = replace(pool, name="MEAN", inputs=(pool.inputs[0], bound))
    assert status_of(NEUTRON, mean) == status


def test_neutron_checks_weights_as_well(tiny):
    convolution = operators(tiny)[0]
    narrow = replace(convolution.inputs[1], dtype="unknown")  # as int4 is called
    inputs = (convolution.inputs[0], narrow, *convolution.inputs[2:])
    assert status_of(NEUTRON, replace(convolution, inputs=inputs)) == "fails"


def test_an_operator_on_the_cpu_divides_the_graph(tiny):
    """In two parts, the second with the first one's output as its input."""
    found = operators(tiny)
    unlisted = tuple(name for name in NEUTRON.operators if name != "AVERAGE_POOL_2D")
    rules = replace(NEUTRON, operators=unlisted, unlisted="fails")
    first, second = npu_parts(found, rules)
    assert (len(first), len(second)) == (12, len(found) - 14)
    assert activations(tiny, found, rules).outputs == 8 * 8 * 64


@pytest.mark.parametrize("place", [0, 5])
def test_activations_of_a_type_without_a_size(tiny, place):
    model = schema.unpack(tiny.data)
    model.subgraphs[0].tensors[model.subgraphs[0].operators[place].inputs[0]].type = generated.TensorType.STRING
    file = File(path=tiny.path, data=b"", model=model)
    assert activations(file, operators(file), NEUTRON) is None


# --- latencies


def test_the_fit_is_the_cards(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    latency = importlib.import_module("latency")
    estimates = [*device("mcxn947").latency, *device("imx93").latency]
    for estimate, fit, count in zip(estimates, latency.FITS, (7, 7, 9), strict=True):
        known = latency.measurements(fit)
        assert estimate.cost == pytest.approx(latency.costs(known, fit.kinds), rel=1e-3)
        assert (estimate.least, estimate.most) == pytest.approx((fit.least, fit.most), abs=1e-3)
        assert estimate.most <= 4 * estimate.least
        ratios = [ratio for _, ratio in latency.left_out(known, fit.kinds)]
        assert len(ratios) == count
        assert all(estimate.least <= ratio <= estimate.most for ratio in ratios)
    largest = max(each.work["multiply-adds"] for each in known)
    assert largest < estimate.most_adds < 2.1 * largest


def test_work_is_counted_as_the_fit_counts_it(data_root):
    file = read(data_root / "published/vww_96_int8.tflite")
    assert work(operators(file)) == CONVERTED["vww"]["work"]["CPU"]
    assert work(operators(file))["multiply-adds"] == file.operations // 2


def test_fields_of_shapes_that_do_not_fit(tiny):
    """A foreign file may say anything; a field then has no value."""
    model = schema.unpack(tiny.data)
    graph = model.subgraphs[0]
    first = graph.operators[0]
    graph.tensors[first.inputs[0]].shape = np.array([1, 3072])
    file = File(path=tiny.path, data=b"", model=model)
    assert values(file, "CONV_2D", "groups") == ()
    assert all(isinstance(field(operators(file)[0]), tuple) for field in FIELDS.values())


def test_weights_behind_the_flatbuffer_are_constants(tiny):
    model = schema.unpack(tiny.data)
    weights = model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[1]]
    buffer = model.buffers[weights.buffer]
    buffer.data, buffer.offset, buffer.size = None, 90_000, len(buffer.data)
    first = operators(File(path=tiny.path, data=b"", model=model))[0]
    assert FIELDS["weights are constant"](first) == (True,)
    assert FIELDS["weight sum"](first) == ()
    assert len(first.images) == 1


def test_weights_that_are_cut_off(tiny):
    model = schema.unpack(tiny.data)
    weights = model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[1]]
    model.buffers[weights.buffer].data = model.buffers[weights.buffer].data[:100]
    with pytest.raises(BadFileError, match="is a damaged"):
        operators(File(path=tiny.path, data=b"", model=model))


def rules_of(*rules: Rule, decides: str = "npu", unlisted: str = "fails") -> Ruleset:
    return Ruleset(
        name="x", title="x", source="x", check="npu", decides=decides, unlisted=unlisted, advice="a",
        operators=("CONV_2D", "ADD", "AVERAGE_POOL_2D", "FULLY_CONNECTED", "SOFTMAX"), rules=rules,
    )  # fmt: skip


def rule(predicate: str, field: str = "", bound: object = None, **more) -> Rule:
    return Rule(field=field, predicate=predicate, bound=bound, why="because", **more)


def test_rules_combine(tiny):
    ops = operators(tiny)
    assert apply(rules_of(), ops).status == "ok"
    refuse, wonder = (
        rule("never", operators=("SOFTMAX",)),
        rule("unverified", operators=("ADD",), otherwise="unknown"),
    )
    assert apply(rules_of(wonder), ops).status == "unknown"
    assert apply(rules_of(refuse), ops).status == "partial"
    plain = reason(apply(rules_of(refuse), ops))
    assert re.match(r"the last softmax, 10 numbers, runs on the CPU: .* \(SOFTMAX: because\)\. eyespot quantize", plain)
    both = apply(rules_of(refuse, wonder), ops)
    counts = {name: quantity.value for name, quantity in both.quantities.items()}
    assert (both.status, counts) == ("partial", {"accepted": 11, "refused": 1, "unknown": 3})
    assert both.operators == {"ADD: because": 3, "SOFTMAX: because": 1}
    assert value(both) == "11 of 15 operators, 1 not, 3 unknown"
    assert reason(both) == "ADD: because (3 x); SOFTMAX: because. a"
    assert apply(rules_of(refuse, decides="runs"), ops).status == "fails", "no CPU takes it over"
    assert apply(rules_of(rule("never")), ops).status == "fails"


def test_rules_that_do_not_concern_an_operator(tiny):
    ops = operators(tiny)
    spared = rule("never", but=("CONV_2D", "ADD", "AVERAGE_POOL_2D", "FULLY_CONNECTED", "SOFTMAX"))
    elsewhere = rule("never", when=Condition(field="groups", predicate="at least", bound=2))
    assert apply(rules_of(spared, elsewhere), ops).status == "ok"
    grouped = rule("never", when=Condition(field="groups", predicate="at least", bound=1))
    counts = apply(rules_of(grouped), ops).quantities
    assert (counts["accepted"].value, counts["refused"].value) == (6, 9), "there are nine convolutions"
    nowhere = rule("never", when=Condition(predicate="never"))
    assert apply(rules_of(nowhere), ops).status == "ok"


def test_per_channel_dense_layers_are_refused_by_the_bsp_alone(tiny):
    """vela 5.2 accepts them; nxp-imx/tflite-ethosu-delegate-imx does not."""
    model = schema.unpack(tiny.data)
    dense = next(o for o in model.subgraphs[0].operators if schema.operator_name(model, o) == "FULLY_CONNECTED")
    q = model.subgraphs[0].tensors[dense.inputs[1]].quantization
    q.scale, q.zeroPoint = np.full(10, 0.01, np.float32), np.zeros(10, np.int64)
    found = apply(ruleset("ethosu-delegate-lf-6.6.3"), operators(File(path=tiny.path, data=b"", model=model)))
    assert found.status == "partial"
    (reason,) = found.operators
    assert "FULLY_CONNECTED: one scale a tensor" in reason


def test_broadcasting_is_taken_from_one_input_by_the_bsp(tiny):
    model = schema.unpack(tiny.data)
    graph = model.subgraphs[0]
    add = next(o for o in graph.operators if schema.operator_name(model, o) == "ADD")
    rules, file = ruleset("ethosu-delegate-lf-6.6.3"), File(path=tiny.path, data=b"", model=model)
    graph.tensors[add.inputs[1]].shape = np.array([1, 1, 1, 16])
    assert apply(rules, operators(file)).status == "ok"
    graph.tensors[add.inputs[0]].shape = np.array([1, 32, 1, 16])
    (reason,) = apply(rules, operators(file)).operators
    assert "one input must have the output's shape" in reason


def test_five_dimensions_are_refused_by_the_bsp(tiny):
    model = schema.unpack(tiny.data)
    model.subgraphs[0].tensors[model.subgraphs[0].operators[0].outputs[0]].shape = np.array([1, 1, 32, 32, 16])
    ops = operators(File(path=tiny.path, data=b"", model=model))
    reasons = apply(ruleset("ethosu-delegate-lf-6.6.3"), ops).operators
    assert any("at most 4 dimensions" in reason for reason in reasons)


def test_hybrid_convolutions_are_refused_by_the_vx_delegate(tiny):
    model = schema.unpack(tiny.data)
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].type = generated.TensorType.UINT8
    ops = operators(File(path=tiny.path, data=b"", model=model))
    (reason,) = apply(ruleset("vx-delegate-lf-6.6.3"), ops).operators
    assert "no hybrid models" in reason


# --- the user's own devices


def test_a_device_of_the_users_own(tmp_path, monkeypatch, tiny):
    monkeypatch.setenv("EYESPOT_DATA", str(tmp_path))
    (tmp_path / "devices").mkdir()
    path = tmp_path / "devices/my-board.toml"
    path.write_text(BOARD.replace("position = 1\n", ""))
    assert device("my-board") == device(str(path)) == devices()[-1]
    assert [c.device for c in check_file(HostMeasurements(file=tiny), [device("my-board")])] == ["my-board"]


def test_mistakes_in_a_device_of_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("EYESPOT_DATA", str(tmp_path))
    (tmp_path / "devices").mkdir()
    path = tmp_path / "devices/imx93.toml"
    path.write_text(BOARD)
    with pytest.raises(BadFileError, match="imx93 is a device of eyespot's; give the file another name"):
        devices()
    path.rename(tmp_path / "devices/mine.toml").write_text(BOARD.replace('source = "x"', "source = 5"))
    with pytest.raises(BadFileError, match=r"mine\.toml: expected `str`, found `int` at `\$\.source`\. Correct"):
        device("mine")
    with pytest.raises(MissingDataError, match=r"other\.toml: no such file; docs/devices-howto.md shows one"):
        device(str(tmp_path / "other.toml"))


# --- vela's options


def test_options_of_the_users_own_replace_the_cards(tmp_path):
    config = tmp_path / "my vela.ini"
    config.touch()
    given = f"--accelerator-config=ethos-u85-256 --config '{config}' --memory-mode Shared_Sram"
    arguments = with_vela(device("ethos-u"), given).compiler.arguments
    assert arguments == (
        "--accelerator-config", "ethos-u85-256", "--config", str(config), "--memory-mode", "Shared_Sram",
    )  # fmt: skip
    assert "96000" in with_vela(device("imx93"), "--arena-cache-size 96000").compiler.arguments


@pytest.mark.parametrize("options", ["--output-dir /", "--memory-mode", "x y", "--config 'x"])
def test_vela_takes_no_other_options(options):
    with pytest.raises(RefusedError, match=r"--vela .*: expected options with a value each, of --accelerator-config"):
        with_vela(device("ethos-u"), options)


def test_options_for_vela_are_for_devices_with_vela():
    with pytest.raises(RefusedError, match="mcxn947: is not compiled by vela; --vela is for imx93, ethos-u"):
        with_vela(device("mcxn947"), "--memory-mode x")
