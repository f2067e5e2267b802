"""check --explain: where each operator runs, which constraint of which source it breaks, and what helps."""

from __future__ import annotations

import json
import re
from collections import Counter

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as generated

from eyespot import decoding
from eyespot.cli import main
from eyespot.devices import FOLDER, devices
from eyespot.devices.explain import Explained, Mends
from eyespot.errors import BadArgumentError
from eyespot.reports.terminal import show
from eyespot.tflite import schema
from eyespot.verbs.check import check
from eyespot.verbs.compile import compile_for
from eyespot.zoo import registry

MENDS = decoding.read(Mends, FOLDER / "mends" / "mends.toml", "").mends


def explained(model: str, device: str) -> Explained:
    (found,) = check(model, device=device, explain=True)
    return found


def places(e: Explained) -> Counter:
    return Counter(each.place for each in e.operators)


def test_every_operator_has_a_place():
    found = check("tiny-resnet", explain=True)
    assert [e.device for e in found] == [card.name for card in devices()]
    for e in found:
        assert [o.number for o in e.operators] == list(range(15))
        assert ("nowhere" not in places(e)) if e.npu else (places(e) == {"cpu": 15})
        assert all(o.broken for o in e.operators if e.npu and o.place != "npu")


def test_places_agree_with_vela():
    """Vela names what it refuses by the output."""
    (c,), e = check("tiny-resnet:float32", device="imx93"), explained("tiny-resnet:float32", "imx93")
    assert places(e) == {"cpu": 15}
    for operator in e.operators:
        said = {each.tool.partition(" ")[0]: each for each in operator.broken}
        assert "unsupported DataType Float32" in said["ethos-u-vela"].constraint
        assert said["ethos-u-vela"].source == "vela --supported-ops-report"
        assert said["ethos-u-vela"].mend.endswith("eyespot quantize")
    assert e.verdict == c.npu


def test_operators_without_names(tmp_path):
    """Vela calls all their outputs <unnamed>; where it refuses only some of a kind, which ones is unknown."""
    model = schema.unpack(registry.find("tiny-resnet", "float32").read_bytes())
    for tensor in model.subgraphs[0].tensors:
        tensor.name = None
    path = tmp_path / "x.tflite"
    path.write_bytes(schema.pack(model))
    assert places(explained(str(path), "imx93")) == {"cpu": 15}


def test_the_edges_of_the_graph():
    operators = explained("tiny-resnet", "imx93").operators
    assert operators[0].after == ()
    assert all(set(each.after) <= set(range(each.number)) for each in operators)
    assert {len(each.after) for each in operators if each.name == "ADD"} == {2}
    assert (operators[-1].shape, operators[-1].values) == ((1, 10), 10)


@pytest.fixture
def per_channel(tmp_path) -> str:
    """tiny-resnet with dense weights per channel, and two sources that see them differently; all names are hostile."""
    model = schema.unpack(registry.find("tiny-resnet").read_bytes())
    graph = model.subgraphs[0]
    dense = next(o for o in graph.operators if schema.operator_name(model, o) == "FULLY_CONNECTED")
    q = graph.tensors[dense.inputs[1]].quantization
    q.scale, q.zeroPoint = np.full(10, q.scale[0], np.float32), np.zeros(10, np.int64)
    code = generated.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.customCode = 32, 32, b"<script>alert(1)</script>"
    model.operatorCodes.append(code)
    last = graph.operators[-1]
    last.opcodeIndex, last.builtinOptions, last.builtinOptionsType = len(model.operatorCodes) - 1, None, 0
    path = tmp_path / "<b>x.tflite"
    path.write_bytes(schema.pack(model))
    return str(path)


def test_constraints_of_one_source_alone(per_channel):
    """vela 5.2 takes dense weights per channel, NXP's delegate does not."""
    dense, last = explained(per_channel, "imx93").operators[-2:]
    assert dense.place == last.place == "cpu"
    (broken,) = dense.broken
    assert "one scale a tensor" in broken.constraint
    assert "ethosu_supported_ops.cc" in broken.source
    assert "per tensor" in broken.mend
    assert "eyespot evaluate measures it" in broken.cost
    assert {each.tool.partition(" ")[0] for each in last.broken} == {"ethos-u-vela", "NXP's"}
    assert explained(per_channel, "cortex-m").operators[-1].place == "nowhere"


def test_the_page_shows_names_as_text(per_channel, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["check", per_channel, "--explain", "--out", str(out)]) == 0
    assert f"written: {out}/explain.html" in capsys.readouterr().out
    html = (out / "explain.html").read_text("utf-8")
    assert "<script" not in html
    assert "<b>" not in html
    assert "default-src &#x27;none&#x27;" in html
    assert not re.search(r"(src|href)=\"(?!#|data:)", html)
    assert html.count("<svg") == len(devices())
    assert all(f'<g class="{place}"' in html for place in ("npu", "cpu", "nowhere"))
    assert html.count("<rect") == 15 * len(devices())


def test_node_data_for_model_explorer(per_channel, tmp_path):
    """Its GraphNodeData: results by node, which its reader of .tflite files calls by the operator's number."""
    for e in check(per_channel, explain=True, out=tmp_path / "out"):
        html, nodes = e.files
        assert html.name == "explain.html"
        data = json.loads(nodes.read_text())
        assert data.keys() == {"results"}
        values = {key: each["value"].partition(",")[0] for key, each in data["results"].items()}
        assert values == {str(o.number): o.place for o in e.operators}
        assert all(re.fullmatch("#[0-9a-f]{6}", each["bgColor"]) for each in data["results"].values())


def test_in_words(capsys):
    assert main(["check", "tiny-resnet", "--device", "mcxn947", "--explain"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "mcxn947: 14 on the NPU, 1 on the CPU" in out
    assert "14 SOFTMAX CPU stays on the CPU" in out
    assert "Cost: on the CPU: one exponential a class" in out


def test_what_the_compiler_adds(data_root, tmp_path, capsys):
    """The same operators that `check` counts as not accepted: NXP's converted file holds them, this one does not."""
    model = str(data_root / "published" / "pretrainedResnet_quant.tflite")
    (e,) = check(model, device="mcxn947", explain=True, out=tmp_path)
    (finding,) = (f for f in e.findings if f.check == "npu operators")
    added = {o.number: [each.name for each in o.left] for o in e.operators if o.left}
    assert added == {14: ["SLICE", "RESHAPE"]}
    named = [*(o.name for o in e.operators if o.place == "cpu"), *added[14]]
    assert sorted(named) == sorted(each.partition(":")[0] for each in finding.operators)
    assert "later neutron-converter" in e.operators[14].left[0].broken.mend
    results = json.loads((tmp_path / "mcxn947.nodes.json").read_text())["results"]
    assert results["14"]["value"] == "npu, then cpu: SLICE, RESHAPE"
    assert (tmp_path / "explain.html").read_text().count("<rect") == 18
    show((e,))
    out = " ".join(capsys.readouterr().out.split())
    assert "mcxn947: 15 on the NPU, 1 on the CPU, 2 more on the CPU that the compiler adds" in out
    assert "14+ SLICE CPU some builds of neutron-converter" in out
    assert "14+ RESHAPE CPU some builds" in out


def test_as_json(capsys):
    assert main(["check", "tiny-resnet", "--device", "mcxn947", "--explain", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["operators"][14]["broken"][0].keys() == {
        "status", "constraint", "tool", "source", "mend", "cost"
    }  # fmt: skip


def test_a_folder_without_explain(tmp_path):
    with pytest.raises(BadArgumentError, match="out goes with explain"):
        check("tiny-resnet", out=tmp_path)


def test_mends_are_patterns_and_the_last_fits_all():
    assert all(re.compile(each.words) and each.mend and each.cost for each in MENDS)
    assert (MENDS[-1].words, MENDS[-1].operators) == ("", ())


def test_a_compiled_file(tmp_path):
    made = compile_for("tiny-resnet", device="imx93", out=tmp_path).file
    found = {e.device: places(e) for e in check(str(made), explain=True)}
    assert found["imx93"] == {"npu": 1}
    assert found["cortex-m"] == {"unknown": 1}
    assert found["mcxn947"] == found["linux-arm64"] == {"nowhere": 1}
