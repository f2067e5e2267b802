"""Compatibility: device cards, operator rules, and the verdicts of `check`, by the real tools."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as generated

from eyespot import registry
from eyespot.cli import main
from eyespot.devices import FOLDER, device, devices, names, ruleset
from eyespot.devices.card import Condition, Rule, Ruleset
from eyespot.devices.rules import PREDICATES, apply
from eyespot.errors import BadFileError, RefusedError, UnfitError, UnknownNameError
from eyespot.models import MODELS
from eyespot.render import plain, show
from eyespot.sizes import size
from eyespot.tflite import schema
from eyespot.tflite.operators import FIELDS, operators, peak_activations
from eyespot.tflite.read import File, read
from eyespot.verbs.check import check

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
    source = "".join(path.read_text("utf-8") for path in registry.PACKAGE.rglob("devices/*.py"))
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
    assert len(set(values(tiny, "ADD", "input and output shape"))) == 1
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


# --- verdicts


@pytest.fixture(scope="module")
def found():
    return {c.device: c for c in check("tiny-resnet")}


def test_every_cell_has_a_verdict_with_kind_and_source(found):
    assert tuple(found) == names()
    for name, c in found.items():
        assert c.runs.status == "ok"
        assert c.runs.reason
        assert (c.npu is None) == (device(name).npu is None)
        for f in c.findings:
            assert f.reason
            assert f.source
            assert f.tool
            assert (f.kind in {"estimate", "quoted"}) <= (f.decides == "nothing")


def test_verdicts_of_tiny_resnet(found):
    assert {name: found[name].npu.status for name in NPUS} == {
        "imx93": "ok",
        "imx8mp": "ok",
        "mcxn947": "partial",
    }
    assert "SOFTMAX: stays on the CPU with neutron-converter 1.2" in found["mcxn947"].npu.reason


def finding(c, name: str):
    return next(f for f in c.findings if f.check == name)


def test_imx93(found):
    c = found["imx93"]
    assert finding(c, "npu operators").value.endswith("on the NPU, 0 on the CPU")
    assert finding(c, "npu delegate").kind == "rule"
    assert finding(c, "npu sram").value.endswith("of 393,216 B (NXP's BSP)")
    assert finding(c, "npu sram, mainline Linux").value.endswith("of 98,304 B (mainline Linux)")
    quoted = finding(c, "published, NPU")
    assert (quoted.kind, quoted.value) == ("quoted", "0.33 ms")
    assert "eIQ Model Zoo 1.4" in quoted.source
    assert "removed in 1.5" in quoted.source


@pytest.mark.parametrize("name", ["imx93", "mcxn947", "imxrt1170", "imxrt1050"])
def test_an_estimate_is_a_range(found, name):
    estimates = [f for f in found[name].findings if f.kind == "estimate"]
    assert estimates
    for f in estimates:
        low, high = (float(part) for part in f.value.removesuffix(" ms").split(" to "))
        assert low < high


def test_estimates_of_the_microcontroller_hold_the_published_figures(found):
    """Its ranges were drawn from NXP's figures, this model's among them: 266.67 and 6.31 ms."""
    assert finding(found["mcxn947"], "npu latency").value.startswith("6.25 to")
    assert finding(found["mcxn947"], "latency").value.startswith("267 to")


def test_no_latency_is_estimated_without_a_source(found):
    assert finding(found["imx8mp"], "latency").status == "unknown"


def test_the_arena_is_measured_with_head_and_tail(found):
    for name, limit in {"mcxn947": 319_488, "imxrt1170": 524_288, "imxrt1050": 262_144}.items():
        arena = finding(found[name], "arena")
        assert arena.kind == "measured"
        assert f"of {limit:,} B" in arena.value
        assert "head 49,152 B" in arena.reason
        assert "tail " in arena.reason


def test_a_float32_file_on_npus():
    found = {name: check("tiny-resnet:float32", device=name)[0] for name in NPUS}
    assert {name: c.npu.status for name, c in found.items()} == {
        "imx93": "fails",
        "imx8mp": "unknown",
        "mcxn947": "fails",
    }
    assert found["imx93"].runs.status == "ok"
    assert "unsupported DataType Float32" in found["imx93"].npu.reason
    assert finding(found["mcxn947"], "latency").status == "unknown"


@pytest.mark.parametrize("name", ["imxrt1170", "imxrt1050", "mcxn947", "cortex-m"])
def test_a_uint8_file_does_not_run_on_tflm(data_root, name):
    (c,) = check(str(data_root / "published/mobilenet_v1_0.25_128_quant.tflite"), device=name)
    assert c.runs.status == "fails"
    assert "Hybrid models" in c.runs.reason


def test_an_arena_over_the_region(data_root):
    """External SDRAM takes it on the RT boards, nothing does on the other."""
    path = str(data_root / "published/vww_96_float.tflite")
    status = {name: check(path, device=name)[0].runs.status for name in ("imxrt1050", "imxrt1170", "mcxn947")}
    assert status == {"imxrt1050": "partial", "imxrt1170": "ok", "mcxn947": "fails"}


def test_a_model_too_large_for_the_flash(data_root):
    (c,) = check(str(data_root / "published/mobilenet_v2_1.0_224_quant.tflite"), device="mcxn947")
    assert c.runs.status == c.npu.status == "fails"
    assert finding(c, "flash").status == "fails"
    assert finding(c, "npu activations").status == "fails"


@pytest.fixture(scope="module")
def with_gelu(tmp_path_factory) -> Path:
    """tiny-resnet's file with its softmax replaced by an operator that TFLM and two NPUs do not have."""
    model = schema.unpack(registry.find("tiny-resnet").read_bytes())
    for code in model.operatorCodes:
        if code.builtinCode == generated.BuiltinOperator.SOFTMAX:
            code.builtinCode = generated.BuiltinOperator.GELU
            code.deprecatedBuiltinCode = 127
    for operator in model.subgraphs[0].operators:
        if schema.operator_name(model, operator) == "GELU":
            operator.builtinOptionsType, operator.builtinOptions = generated.BuiltinOptions.GeluOptions, None
            operator.builtinOptions = generated.GeluOptionsT()
    path = tmp_path_factory.mktemp("gelu") / "gelu.tflite"
    path.write_bytes(schema.pack(model))
    return path


def test_an_unsupported_operator(with_gelu):
    found = {name: check(str(with_gelu), device=name)[0] for name in ("mcxn947", "imxrt1050", "cortex-m")}
    assert all(c.runs.status == "fails" for c in found.values())
    assert "GELU" in found["imxrt1050"].runs.reason
    assert finding(found["imxrt1050"], "operators").reason == "GELU: is not listed"
    assert found["mcxn947"].npu.status == "unknown", "what the table does not list is not known"


def test_a_file_of_another_origin_is_quoted_nothing(data_root):
    (c,) = check(str(data_root / "published/pretrainedResnet_quant.tflite"), device="imx93")
    assert c.npu.status == "ok"
    assert not [f for f in c.findings if f.kind == "quoted"]


# --- the user's own memory, --strict, the forms


def test_ram_and_flash_of_any_cortex_m():
    (roomy,) = check("tiny-resnet", device="cortex-m", ram=64 << 10, flash=1 << 20)
    assert roomy.runs.status == "ok"
    (tight,) = check("tiny-resnet", device="cortex-m", ram=48 << 10)
    assert tight.runs.status == "fails"
    assert "of 49,152 B (--ram)" in finding(tight, "arena").value
    assert check("tiny-resnet", device="cortex-m", flash=1000)[0].runs.status == "fails"


def test_ram_of_a_device_with_its_own():
    with pytest.raises(RefusedError, match="--ram and --flash are for cortex-m"):
        check("tiny-resnet", device="imxrt1050", ram=1000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("256k", 262_144), ("1M", 1 << 20), ("1.5 MiB", 3 << 19), ("300000", 300_000), ("64KB", 65_536)],
)
def test_sizes(text, expected):
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "k", "1 apple", "-5", "1t"])
def test_no_sizes(text):
    with pytest.raises(ValueError, match="is no size; write 256k"):
        size(text)


def test_a_bad_size_is_usage(capsys):
    assert main(["check", "tiny-resnet", "--device", "cortex-m", "--ram", "much"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(("name", "code"), [("imx93", 0), ("linux-arm64", 0), ("mcxn947", 1)])
def test_strict_on_the_command_line(capsys, name, code):
    """What was found is printed all the same; the one line is on stderr."""
    assert main(["check", "tiny-resnet", "--device", name, "--strict", "--json"]) == code
    out, err = capsys.readouterr()
    assert [c["device"] for c in json.loads(out)] == [name]
    assert err.count("\n") == code


def test_strict_in_python(with_gelu):
    with pytest.raises(UnfitError, match="not ok on imxrt1170") as caught:
        check(str(with_gelu), device="imxrt1170", strict=True)
    assert caught.value.result[0].runs.status == "fails"


def test_json_keeps_the_form(found):
    c = json.loads(json.dumps(plain(found["imx93"])))
    assert c.keys() == {"device", "file", "runs", "npu", "findings"}
    assert c["npu"].keys() == c["runs"].keys() == {"status", "reason"}
    assert c["findings"][0].keys() >= {
        "check",
        "status",
        "value",
        "kind",
        "tool",
        "source",
        "reason",
        "advice",
    }


def test_tables_name_sources(found, capsys):
    show(tuple(found.values()))
    out = capsys.readouterr().out
    assert "mainline Linux" in out
    assert "quoted" in out
