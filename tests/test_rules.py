"""Device cards, operator rules and what rules can ask of an operator."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as generated

from eyespot.artifacts import places
from eyespot.devices import FOLDER, device, devices, names, ruleset
from eyespot.devices.card import Condition, Rule, Ruleset
from eyespot.devices.rules import PREDICATES, apply
from eyespot.errors import BadFileError, UnknownNameError
from eyespot.tflite import schema
from eyespot.tflite.operators import FIELDS, operators, peak_activations
from eyespot.tflite.read import File, read
from eyespot.zoo import registry
from eyespot.zoo.models import MODELS

RULES = sorted(path.stem for path in (FOLDER / "rules").glob("*.toml"))
NPUS = {"imx93", "imx8mp", "mcxn947"}


# --- the cards


def test_the_order_is_the_files_own():
    known = ("imx93", "imx8mp", "mcxn947", "imxrt1170", "imxrt1050", "cortex-m", "linux-arm64")
    assert names() == known
    assert len({card.position for card in devices()}) == len(known)


@pytest.mark.parametrize("card", devices(), ids=lambda card: card.name)
def test_device_cards_give_their_sources(card):
    parts = [
        *card.clocks,
        *card.memory,
        *card.rules,
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
def test_rules_use_known_fields_and_predicates(name):
    rules = ruleset(name)
    assert len(rules.operators) == len(set(rules.operators))
    for rule in rules.rules:
        assert rule.why
        assert rule.source
        assert {*rule.operators, *rule.but} <= set(rules.operators)
        for condition in (rule.must, *([rule.when] if rule.when else [])):
            assert condition.predicate in PREDICATES
            assert condition.field in FIELDS or condition.predicate in {"never", "unverified"}


def test_there_are_at_most_a_dozen_predicates():
    assert len(PREDICATES) <= 12


def test_no_device_and_no_maker_in_python():
    """Adding a device is adding a file."""
    source = "".join(path.read_text("utf-8") for path in places.PACKAGE.rglob("devices/*.py"))
    assert not any(name in source for name in names())
    assert "Dedicated_Sram" not in source


def test_a_device_is_a_file(monkeypatch, tmp_path):
    from eyespot import devices as package

    (tmp_path / "board.toml").write_text('position = 1\ntitle = "B"\ntools = ["litert"]\nsource = "x"\n')
    monkeypatch.setattr(package, "FOLDER", tmp_path)
    assert [card.name for card in package.devices.__wrapped__()] == ["board"]


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
    assert PREDICATES[predicate](holds, bound)
    assert PREDICATES[predicate]((), bound), "what an operator does not have breaks no rule"
    assert not PREDICATES[predicate](breaks, bound)


@pytest.mark.parametrize("predicate", ["never", "unverified"])
def test_predicates_that_nothing_fulfils(predicate):
    assert not PREDICATES[predicate]((), None)


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


def test_peak_activations_is_what_tflm_and_nxp_allot(tiny, data_root):
    """49,152 B is TFLM's head for this network; the others are sums over MLPerf Tiny's graph by hand."""
    assert peak_activations(tiny) == 49_152
    assert peak_activations(read(data_root / "published/pretrainedResnet_quant.tflite")) == 49_152
    assert peak_activations(read(data_root / "published/vww_96_int8.tflite")) == 48 * 48 * (8 + 16)


def test_peak_activations_of_a_type_without_a_size(tiny):
    model = schema.unpack(tiny.data)
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].type = generated.TensorType.STRING
    assert peak_activations(File(path=tiny.path, data=b"", model=model)) is None


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
    must = Condition(field=field, predicate=predicate, bound=bound)
    return Rule(must=must, why="because", source="x", **more)


def test_rules_combine(tiny):
    ops = operators(tiny)
    assert apply(rules_of(), ops).status == "ok"
    refuse, wonder = (
        rule("never", operators=("SOFTMAX",)),
        rule("unverified", operators=("ADD",), otherwise="unknown"),
    )
    assert apply(rules_of(wonder), ops).status == "unknown"
    assert apply(rules_of(refuse), ops).status == "partial"
    both = apply(rules_of(refuse, wonder), ops)
    assert (both.status, both.value) == ("partial", "11 of 15 operators, 1 not, 3 unknown")
    assert "SOFTMAX: because" in both.reason
    assert apply(rules_of(refuse, decides="runs"), ops).status == "fails", "no CPU takes it over"
    assert apply(rules_of(rule("never")), ops).status == "fails"


def test_rules_that_do_not_concern_an_operator(tiny):
    ops = operators(tiny)
    spared = rule("never", but=("CONV_2D", "ADD", "AVERAGE_POOL_2D", "FULLY_CONNECTED", "SOFTMAX"))
    elsewhere = rule("never", when=Condition(field="groups", predicate="at least", bound=2))
    assert apply(rules_of(spared, elsewhere), ops).status == "ok"
    assert apply(rules_of(rule("never", when=Condition(field="groups", predicate="at least", bound=1))), ops)


def test_per_channel_dense_layers_are_refused_by_the_bsp_alone(tiny):
    """vela 5.2 accepts them; nxp-imx/tflite-ethosu-delegate-imx does not."""
    model = schema.unpack(tiny.data)
    dense = next(
        o for o in model.subgraphs[0].operators if schema.operator_name(model, o) == "FULLY_CONNECTED"
    )
    q = model.subgraphs[0].tensors[dense.inputs[1]].quantization
    q.scale, q.zeroPoint = np.full(10, 0.01, np.float32), np.zeros(10, np.int64)
    found = apply(ruleset("ethosu-delegate-lf-6.6.3"), operators(File(path=tiny.path, data=b"", model=model)))
    assert found.status == "partial"
    assert "FULLY_CONNECTED: one scale a tensor" in found.reason


def test_broadcasting_is_taken_from_one_input_by_the_bsp(tiny):
    model = schema.unpack(tiny.data)
    graph = model.subgraphs[0]
    add = next(o for o in graph.operators if schema.operator_name(model, o) == "ADD")
    rules, file = ruleset("ethosu-delegate-lf-6.6.3"), File(path=tiny.path, data=b"", model=model)
    graph.tensors[add.inputs[1]].shape = np.array([1, 1, 1, 16])
    assert apply(rules, operators(file)).status == "ok"
    graph.tensors[add.inputs[0]].shape = np.array([1, 32, 1, 16])
    assert "one input must have the output's shape" in apply(rules, operators(file)).reason


def test_five_dimensions_are_refused_by_the_bsp(tiny):
    model = schema.unpack(tiny.data)
    model.subgraphs[0].tensors[model.subgraphs[0].operators[0].outputs[0]].shape = np.array(
        [1, 1, 32, 32, 16]
    )
    ops = operators(File(path=tiny.path, data=b"", model=model))
    assert "at most 4 dimensions" in apply(ruleset("ethosu-delegate-lf-6.6.3"), ops).reason


def test_hybrid_convolutions_are_refused_by_the_vx_delegate(tiny):
    model = schema.unpack(tiny.data)
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].type = generated.TensorType.UINT8
    ops = operators(File(path=tiny.path, data=b"", model=model))
    assert "no hybrid models" in apply(ruleset("vx-delegate-lf-6.6.3"), ops).reason
