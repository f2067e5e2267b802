"""The verdicts of `check`, by the real tools."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import time
import venv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as generated

from eyespot.arguments import size
from eyespot.artifacts import measurements, places
from eyespot.cli import main
from eyespot.devices import device, devices
from eyespot.devices.host import HostMeasurements
from eyespot.devices.verdicts import check_file
from eyespot.errors import RefusedError, UnfitError
from eyespot.nouns import plain
from eyespot.reports import words
from eyespot.reports.terminal import show
from eyespot.tflite import schema
from eyespot.tflite.read import read
from eyespot.verbs.check import check
from eyespot.zoo import registry
from eyespot.zoo.models import MODELS

NAMES = tuple(card.name for card in devices())
NPUS = {"imx93", "imx8mp", "mcxn947", "imx95", "imxrt700", "ethos-u"}


# --- verdicts


@pytest.fixture(scope="module")
def found():
    return {c.device: c for c in check("tiny-resnet")}


def test_every_cell_has_a_verdict_with_kind_and_source(found):
    assert tuple(found) == NAMES
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
        "imx95": "unknown",
        "imxrt700": "unknown",
        "ethos-u": "ok",
    }
    assert found["mcxn947"].npu.operators == {"SOFTMAX: stays on the CPU with neutron-converter 1.2": 1}


def finding(c, name: str, place: str | None = None):
    return next(f for f in c.findings if f.check == name and place in {None, f.place})


def values(f) -> dict:
    return {name: quantity.value for name, quantity in f.quantities.items()}


def test_imx93(found):
    c = found["imx93"]
    assert values(finding(c, "npu operators")) == {"npu": 42, "cpu": 0}
    assert values(finding(c, "npu delegate")) == {"accepted": 15, "refused": 0, "unknown": 0}
    assert finding(c, "npu delegate").kind == "rule"
    assert values(finding(c, "npu sram", "NXP's BSP")) == {"used": 51_856, "limit": 393_216}
    assert values(finding(c, "npu sram", "mainline Linux")) == {"used": 51_856, "limit": 98_304}
    assert finding(c, "npu latency").quantities["cycles"].value == 111_586
    quoted = finding(c, "published", "NPU")
    assert (quoted.kind, values(quoted)) == ("quoted", {"latency": 0.33})
    assert "eIQ Model Zoo 1.4" in quoted.source
    assert "removed in 1.5" in quoted.source


def test_quantities_say_what_they_are_worth(found):
    """What was measured names the tool and its version, what was published its source."""
    quantities = [q for c in found.values() for f in c.findings for q in f.quantities.values()]
    assert {q.kind for q in quantities} == {"measured", "rule", "estimate", "quoted"}
    for q in quantities:
        assert q.unit
        assert (q.kind in {"estimate", "quoted"}) == bool(q.source)
        assert (q.kind == "quoted") == (q.tool == "")
        assert q.kind != "measured" or q.tool.split()[-1][0].isdigit()


@pytest.mark.parametrize("name", ["imx93", "mcxn947", "imxrt1170", "imxrt1050"])
def test_an_estimate_is_a_range(found, name):
    estimates = [f.quantities["latency"] for f in found[name].findings if f.kind == "estimate"]
    assert estimates
    for q in estimates:
        assert (q.value, q.unit) == (None, "ms")
        assert 0 < q.low < q.high


def test_estimates_of_the_microcontroller_hold_the_published_figures(found):
    """NXP's are 239.0 and 266.67, 6.40 and 6.31 ms, for another file of this network."""
    for name, published in {"latency": (239.036, 266.67), "npu latency": (6.399, 6.31)}.items():
        estimated = finding(found["mcxn947"], name).quantities["latency"]
        assert estimated.low < min(published)
        assert max(published) < estimated.high < 4 * estimated.low


def test_the_estimate_for_imx93_holds_the_published_figure(found):
    estimate = finding(found["imx93"], "npu latency")
    assert estimate.quantities["latency"].low < 0.33 < estimate.quantities["latency"].high
    assert estimate.quantities["latency"].high < 4 * estimate.quantities["latency"].low
    said = words.reason(estimate)
    assert "12.50 M multiply-adds; published latencies were x0.667 to x2.4 of it; vela says 0.112 ms" in said


def test_a_file_larger_than_those_of_the_fit_is_not_estimated():
    card = device("imx93")
    near = replace(card, latency=(replace(card.latency[0], most_adds=12e6),))
    (c,) = check_file(HostMeasurements(file=read(registry.find("tiny-resnet"))), [near])
    said = "published latencies do not tell it above 12 M multiply-adds; the file has 13 M"
    assert (finding(c, "npu latency").status, finding(c, "npu latency").reason) == ("unknown", said)


@pytest.mark.parametrize(
    ("name", "why", "advice"),
    [
        (
            "imx8mp",
            "on its NPU and on its CPU is unknown: latencies to estimate it from are quoted",
            "ssh://user@board",
        ),
        (
            "imx95",
            "on its NPU and on its CPU is unknown: latencies to estimate it from are not pub",
            "ssh://user@board",
        ),
        ("imxrt700", "on its NPU and on its CPU is unknown: latencies to estimate it from are not", "serial:/dev/tty"),
        ("cortex-m4", "how long it takes there is unknown", "serial:/dev/ttyACM0"),
    ],
)
def test_no_latency_is_estimated_without_a_source(found, name, why, advice):
    latency = finding(found[name], "latency")
    assert (latency.status, latency.quantities) == ("unknown", {})
    assert why in latency.reason
    assert latency.advice.startswith("measure it: eyespot bench --on")
    assert advice in latency.advice


def test_the_arena_is_measured_with_head_and_tail(found):
    for name, limit in {"mcxn947": 319_488, "imxrt1170": 524_288, "imxrt1050": 262_144}.items():
        arena = finding(found[name], "arena")
        assert arena.kind == "measured"
        sizes = values(arena)
        assert (sizes["limit"], sizes["head"]) == (limit, 49_152)
        assert sizes["used"] == sizes["head"] + sizes["tail"] > 49_152


@pytest.mark.slow
def test_a_float32_file_on_npus():
    found = {name: check("tiny-resnet:float32", device=name)[0] for name in NPUS}
    assert {name: c.npu.status for name, c in found.items()} == {
        "imx93": "fails",
        "imx8mp": "unknown",
        "mcxn947": "fails",
        "imx95": "fails",
        "imxrt700": "fails",
        "ethos-u": "fails",
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
    assert status == {"imxrt1050": "partial", "imxrt1170": "ok", "mcxn947": "partial"}


def test_a_model_too_large_for_the_flash(data_root):
    (c,) = check(str(data_root / "published/mobilenet_v2_1.0_224_quant.tflite"), device="mcxn947")
    assert c.runs.status == c.npu.status == "fails"
    assert finding(c, "flash").status == "fails"
    assert finding(c, "npu latency").status == "unknown", "what does not fit takes no time"
    assert finding(c, "npu activations", "SRAM, 408 KiB").status == "fails"


def test_no_npu_without_flash(tmp_path):
    """The NPU needs the file in flash as much as the CPU does."""
    data = registry.find("tiny-resnet").read_bytes()
    (tmp_path / "padded.tflite").write_bytes(data + bytes(3 << 20))
    (c,) = check(str(tmp_path / "padded.tflite"), device="mcxn947")
    assert c.npu.status == c.runs.status == "fails"
    assert c.npu.check == "flash"


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
    assert finding(found["imxrt1050"], "operators").operators == {"GELU: is not listed": 1}
    assert found["mcxn947"].npu.status == "unknown", "what the table does not list is not known"


def test_a_file_of_another_origin_is_quoted_nothing(data_root):
    (c,) = check(str(data_root / "published/pretrainedResnet_quant.tflite"), device="imx93")
    assert c.npu.status == "ok"
    assert not [f for f in c.findings if f.kind == "quoted"]


# --- tools that are missing or die


@pytest.fixture(scope="module")
def light(tmp_path_factory) -> Path:
    """The Python of an environment like this one, without vela and TFLM."""
    folder = tmp_path_factory.mktemp("light")
    venv.create(folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if not each.name.startswith(("ethos", "tflite_micro")):
            (packages / each.name).symlink_to(each)
    return folder / "bin/python"


def run(python: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(places.PACKAGE.parent)}
    argv = [python, "-m", "eyespot", *words]
    return subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)


def test_missing_tools_are_unknown_and_stop_no_other_device(light):
    done = run(light, "check", "tiny-resnet", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = {c["device"]: c for c in json.loads(done.stdout)}
    assert tuple(found) == NAMES
    npu, arm = found["imx93"]["npu"], found["cortex-m"]["runs"]
    assert (npu["check"], npu["status"]) == ("npu operators", "unknown")
    assert "ethos-u-vela, which is not installed" in npu["reason"]
    assert (arm["check"], arm["status"]) == ("runs", "unknown")
    assert "tflite-micro, which is not installed" in arm["reason"]
    assert found["imx93"]["runs"]["status"] == found["linux-arm64"]["runs"]["status"] == "ok"
    assert "npu delegate" in {f["check"] for f in found["imx93"]["findings"]}


def test_missing_tools_in_words(light):
    done = run(light, "check", "tiny-resnet", "--device", "imx93")
    assert "unknown not checked (measured, ethos-u-vela) this needs" in " ".join(done.stdout.split())


def test_compile_without_vela_is_one_line(light, tmp_path):
    done = run(light, "compile", "tiny-resnet", "--device", "imx93", "--out", str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("eyespot: this needs ethos-u-vela, which is not installed")


def altered(folder: Path, change) -> str:
    """The path of tiny-resnet's file with its model and main graph changed."""
    model = schema.unpack(registry.find("tiny-resnet").read_bytes())
    change(model, model.subgraphs[0])
    path = folder / "altered.tflite"
    path.write_bytes(schema.pack(model))
    return str(path)


def stride_of_zero(_, graph) -> None:
    graph.operators[0].builtinOptions.strideH = 0


def huge_activation(_, graph) -> None:
    graph.tensors[graph.operators[0].outputs[0]].shape = np.array([1, 60_000, 60_000, 16], np.int32)


@pytest.mark.parametrize(
    ("change", "reason"),
    [(stride_of_zero, "SIGFPE"), (huge_activation, "IndexError: Strides exceed storage")],
)
def test_a_tool_that_dies_gives_no_verdict(tmp_path, change, reason):
    """LiteRT refuses these files, vela dies."""
    path = altered(tmp_path, change)
    (c,) = check(path, device="imx93")
    assert c.runs.status == "fails"
    assert (c.npu.status, c.npu.reason) == ("unknown", f"{path}: vela crashed: {reason}")
    assert finding(c, "npu latency").reason == c.npu.reason


def no_pixels(_, graph) -> None:
    graph.tensors[graph.operators[0].outputs[0]].shape = np.array([1, 0, 0, 16], np.int32)


def test_a_tool_that_refuses_a_file_does(tmp_path):
    (c,) = check(altered(tmp_path, no_pixels), device="imx93")
    assert c.npu.status == "fails"
    assert "vela refuses it: RuntimeError: Compilation failed" in c.npu.reason


# --- the user's own memory, --strict, the forms


def test_ram_and_flash_of_any_cortex_m():
    (roomy,) = check("tiny-resnet", device="cortex-m", ram=64 << 10, flash=1 << 20)
    assert roomy.runs.status == "ok"
    (tight,) = check("tiny-resnet", device="cortex-m", ram=48 << 10)
    assert tight.runs.status == "fails"
    assert finding(tight, "arena").quantities["limit"].value == 49_152
    assert roomy.runs.place == "TFLM"
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


def test_strict_with_explain(capsys):
    """Both at once: each operator, and the exit code."""
    assert main(["check", "tiny-resnet", "--device", "mcxn947", "--strict", "--explain"]) == 1
    out, err = capsys.readouterr()
    assert "14 on the NPU" in out
    assert "not ok on mcxn947" in err
    assert main(["check", "tiny-resnet", "--device", "imx93", "--strict", "--explain"]) == 0


def test_options_for_vela_begin_with_a_hyphen(capsys):
    """As one word of the shell's, the way the documents give them."""
    words = ["check", "tiny-resnet", "--device", "ethos-u", "--json", "--vela"]
    assert main([*words, "--accelerator-config ethos-u85-256"]) == 0
    assert "ok" in {c["npu"]["status"] for c in json.loads(capsys.readouterr().out)}
    assert main([*words, "--accelerator-config ethos-u99-256"]) == 0
    (c,) = json.loads(capsys.readouterr().out)
    assert c["npu"]["status"] == "unknown", "a wrong option says nothing about the file"
    assert "vela does not take its arguments: argument --accelerator-config: invalid choice" in c["npu"]["reason"]


def test_a_file_without_multiply_adds_has_no_estimate(data_root, tmp_path):
    model = schema.unpack(registry.find("tiny-resnet").read_bytes())
    graph = model.subgraphs[0]
    graph.operators = graph.operators[-1:]
    graph.inputs = graph.operators[0].inputs
    path = tmp_path / "softmax.tflite"
    path.write_bytes(schema.pack(model))
    (c,) = check(str(path), device="imxrt1170")
    assert (finding(c, "latency").status, finding(c, "latency").reason) == ("unknown", "the file has no multiply-adds")


def test_a_file_of_another_kind_is_one_line(tmp_path, capsys):
    for name in ("x.onnx", "model"):
        (tmp_path / name).write_bytes(b"x")
        assert main(["check", str(tmp_path / name)]) == 1
        assert "expected a .tflite file; convert it first" in capsys.readouterr().err
    (tmp_path / "MODEL.TFLITE").write_bytes(registry.find("tiny-resnet").read_bytes())
    assert check(str(tmp_path / "MODEL.TFLITE"), device="linux-arm64")[0].runs.status == "ok"


def test_strict_in_python(with_gelu):
    with pytest.raises(UnfitError, match="not ok on imxrt1170") as caught:
        check(str(with_gelu), device="imxrt1170", strict=True)
    assert caught.value.result[0].runs.status == "fails"


def test_json_keeps_the_form(found):
    c = json.loads(json.dumps(plain(found["imx93"])))
    assert c.keys() == {"device", "file", "runs", "npu", "findings"}
    assert c["npu"] in c["findings"]
    assert c["runs"] in c["findings"]
    assert c["runs"].keys() == {
        "check", "status", "kind", "tool", "source", "reason", "place", "quantities", "operators", "advice",
        "decides",
    }  # fmt: skip
    limit = next(f for f in c["findings"] if f["check"] == "npu sram")["quantities"]["limit"]
    assert limit.keys() == {"value", "unit", "low", "high", "n", "kind", "tool", "source"}
    assert (limit["value"], limit["unit"], limit["kind"]) == (393_216, "B", "quoted")


def test_what_was_found_survives_the_disk(found, no_data):
    measurements.save_devices("x", tuple(found.values()), measurements.own())
    assert next(measurements.compatibilities("x")) == tuple(found.values())


def test_sentences(found, capsys):
    """Numbers become sentences where they are shown."""
    show(tuple(found.values()))
    out = " ".join(capsys.readouterr().out.split())
    for sentence in (
        "42 on the NPU, 0 on the CPU (measured, ethos-u-vela 5.2.0)",
        "npu sram, mainline Linux ok 51,856 of 98,304 B (mainline Linux)",
        "14 of 15 operators, 1 not (rule, NXP's operator table for MCX N947, and NXP's converted files)",
        "the last softmax, 10 numbers, runs on the CPU: no cost worth naming (SOFTMAX: stays on the CPU with",
        "12.50 M multiply-adds; published latencies were x0.667 to x2.4 of it; vela says 0.112 ms (111,586 cycles).",
        "0.21 to 0.754 ms (estimate",
        "fit to published latencies: 12.50 M multiply-adds; published latencies were x0.667 to x1.5 of it.",
        "published, NPU ok 0.33 ms (quoted, none)",
        "head 49,152 B (activations), tail 6,688 B (structures); measured on this host, not on the device.",
    ):
        assert sentence in out


@pytest.mark.slow
def test_all_models_on_all_devices_are_checked_within_a_minute():
    """The bar for two cores; models that are not on this machine are left out."""
    started = time.perf_counter()
    for card in MODELS:
        if (registry.home(card.name) / "int8.tflite").exists():
            assert [c.device for c in check(card.name)] == list(NAMES)
    assert time.perf_counter() - started < 60
