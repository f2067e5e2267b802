"""The verdicts of `check`, by the real tools."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from ai_edge_litert import schema_py_generated as generated

from eyespot.arguments import size
from eyespot.cli import main
from eyespot.devices import device, names
from eyespot.errors import RefusedError, UnfitError
from eyespot.nouns import plain
from eyespot.reports.terminal import show
from eyespot.tflite import schema
from eyespot.verbs.check import check
from eyespot.zoo import registry
from eyespot.zoo.models import MODELS

NPUS = {"imx93", "imx8mp", "mcxn947"}


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
    assert finding(c, "npu latency").status == "unknown", "what does not fit takes no time"
    assert finding(c, "npu activations").status == "fails"


def test_no_npu_without_flash(monkeypatch, tmp_path):
    """The NPU needs the file in flash as much as the CPU does."""
    data = registry.find("tiny-resnet").read_bytes()
    (tmp_path / "padded.tflite").write_bytes(data + bytes(3 << 20))
    (c,) = check(str(tmp_path / "padded.tflite"), device="mcxn947")
    assert c.npu.status == c.runs.status == "fails"
    assert c.npu.reason.startswith("flash:")


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
    [
        ("256k", 262_144),
        ("1M", 1 << 20),
        ("1.5 MiB", 3 << 19),
        ("300,000", 300_000),
        (4096, 4096),
        ("64KB", 65_536),
    ],
)
def test_sizes(text, expected):
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "k", "1 apple", "-5", "1t", "1,5M", "1,50", "1,,000", "1.5.5"])
def test_no_sizes(text):
    with pytest.raises(ValueError, match="invalid size; write 256k"):
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


@pytest.mark.slow
def test_all_models_on_all_devices_are_checked_within_a_minute():
    """The bar for two cores; models that are not on this machine are left out."""
    started = time.perf_counter()
    for card in MODELS:
        if (registry.home(card.name) / "int8.tflite").exists():
            assert [c.device for c in check(card.name)] == list(names())
    assert time.perf_counter() - started < 60
