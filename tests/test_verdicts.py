"""Verdicts on files from elsewhere: what vendors' tools said of them, on files built from their descriptions."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as generated
from PIL import Image

from eyespot.cli import main
from eyespot.devices import device
from eyespot.devices.rules import apply, ruleset
from eyespot.errors import BadFileError, RefusedError
from eyespot.tflite import schema
from eyespot.tflite.operators import operators
from eyespot.tflite.probe import probe
from eyespot.tflite.read import read_any
from eyespot.verbs.check import check
from eyespot.verbs.compile import compile_for
from eyespot.verbs.evaluate import evaluate
from eyespot.verbs.export import export
from eyespot.zoo import registry

FLOAT32, INT32, INT4 = generated.TensorType.FLOAT32, generated.TensorType.INT32, generated.TensorType.INT4
MCX = b"MLIR Converted.\nConverted with eIQ neutron-converter 1.2.0+0X1c933f1b for NXP MCX N94x MCU target."
RT700 = MCX.replace(b"MCX N94x", b"i.MX RT700")


@pytest.fixture
def altered(tmp_path):
    """A function that writes tiny-resnet's file with its model and main graph changed, and returns its path."""

    def write(change) -> str:
        model = schema.unpack(registry.find("tiny-resnet").read_bytes())
        change(model, model.subgraphs[0])
        path = tmp_path / "altered.tflite"
        path.write_bytes(schema.pack(model))
        return str(path)

    return write


def code_of(model, name: str) -> int:
    """The place of a new operator code."""
    code = generated.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(generated.BuiltinOperator, name, 32)
    code.customCode = None if hasattr(generated.BuiltinOperator, name) else name.encode()
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def rename_last(name: str):
    """The softmax becomes another operator, without options."""

    def change(model, graph) -> None:
        last = graph.operators[-1]
        last.opcodeIndex, last.builtinOptions, last.builtinOptionsType = code_of(model, name), None, 0

    return change


def dense_weights(model, graph):
    dense = next(o for o in graph.operators if schema.operator_name(model, o) == "FULLY_CONNECTED")
    return graph.tensors[dense.inputs[1]]


# --- names


def absent_names(_, graph) -> None:
    for tensor in graph.tensors:
        tensor.name = None


def test_tensors_may_have_no_names(altered):
    found = check(altered(absent_names))
    assert {c.runs.status for c in found} == {"ok"}
    assert next(c for c in found if c.device == "imx93").npu.status == "ok"


def custom_names(rules: str) -> set[str]:
    return {name.removeprefix("custom:") for name in ruleset(rules).operators if name.startswith("custom:")}


def test_custom_operators_are_listed_as_files_name_them():
    """The names that TFLM's resolver compares are strings in its library, save for the NPU's own."""
    library = next(Path(find_spec("tflite_micro").origin).parent.rglob("_runtime*.so")).read_bytes()
    names = custom_names("tflm")
    assert names >= {"SignalWindow", "TFLite_Detection_PostProcess", "CIRCULAR_BUFFER", "TFLM_DECODE", "ethos-u"}
    assert len(names) == 18
    assert not [name for name in names - {"ethos-u"} if b"\0" + name.encode() + b"\0" not in library]
    assert custom_names("tflm-mcuxsdk") == names - {"ethos-u", "TFLM_DECODE"}


@pytest.mark.parametrize("rules", ["tflm", "tflm-mcuxsdk"])
def test_signal_operators_are_listed(altered, rules):
    found = apply(ruleset(rules), operators(read_any(Path(altered(rename_last("SignalWindow"))))))
    assert (found.status, found.operators) == ("ok", {})


# --- probes


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.uint8, np.int16, np.int32, np.int64, np.bool_])
def test_probes_hold_no_zero(dtype):
    values = probe((1, 64, 64, 3), dtype)
    assert values.dtype == dtype
    assert values.all()


def test_probes_look_like_pictures():
    values = probe((1, 64, 64, 3), np.uint8)
    assert (values.mean(), values.std()) == (pytest.approx(115, abs=3), pytest.approx(57, abs=4))


def divide(kind, name: str):
    """A file with one operator: the first input by the second."""

    def change(model, graph) -> None:
        operator, options = graph.operators[0], name.title().replace("_", "")
        operator.opcodeIndex = code_of(model, name)
        operator.builtinOptions = getattr(generated, f"{options}OptionsT")()
        operator.builtinOptionsType = getattr(generated.BuiltinOptions, f"{options}Options")
        for tensor in graph.tensors[:3]:
            tensor.type, tensor.shape = kind, np.array([1, 4], np.int32)
            tensor.quantization, tensor.buffer, tensor.isVariable = None, 0, False
        graph.tensors, graph.operators, model.signatureDefs = graph.tensors[:3], [operator], None
        operator.inputs = graph.inputs = np.array([0, 1], np.int32)
        operator.outputs = graph.outputs = np.array([2], np.int32)

    return change


def test_an_operator_that_divides_runs(altered):
    assert check(altered(divide(INT32, "FLOOR_MOD")), device="linux-arm64")[0].runs.status == "ok"
    assert check(altered(divide(FLOAT32, "FLOOR_MOD")), device="cortex-m")[0].runs.status == "ok"


def test_tflm_is_invoked(altered):
    """It allocates a FLOOR_MOD of int32, and then refuses to compute it."""
    (c,) = check(altered(divide(INT32, "FLOOR_MOD")), device="cortex-m")
    assert (c.runs.status, c.runs.check) == ("fails", "runs")
    assert "Type 'INT32' is not supported by FLOOR_MOD" in c.runs.reason


# --- compiled files


@pytest.fixture(scope="module")
def by_vela(tmp_path_factory) -> str:
    return str(compile_for("tiny-resnet", device="imx93", out=tmp_path_factory.mktemp("vela")).file)


def statuses(path: str) -> dict[str, tuple[str, str | None]]:
    return {c.device: (c.runs.status, c.npu.status if c.npu else None) for c in check(path)}


def test_a_file_by_vela_is_compiled(by_vela):
    found = statuses(by_vela)
    assert found["imx93"] == ("ok", "ok")
    assert found["imx8mp"] == found["mcxn947"] == ("fails", "fails")
    assert found["imxrt1050"] == found["linux-arm64"] == ("fails", None)
    assert found["cortex-m"] == ("unknown", None), "some have an Ethos-U"
    (c,) = check(by_vela, device="mcxn947")
    assert "compiled already for ethos-u65-256 (custom operator ethos-u); NXP MCX N947 has the NPU" in c.npu.reason
    assert "take the file that it was made from" in c.npu.advice
    assert not any("quantize" in f.advice for f in c.findings)


def of_another_size(model, graph) -> None:
    stream = model.buffers[graph.tensors[graph.operators[0].inputs[0]].buffer]
    stream.data = np.array(stream.data)
    stream.data[8:12] = np.frombuffer((0x3008).to_bytes(4, "little"), np.uint8)


def test_a_file_for_another_ethos_u(by_vela, tmp_path):
    """Its command stream says for which product and how many multiply-adds a cycle."""
    model = schema.unpack(Path(by_vela).read_bytes())
    of_another_size(model, model.subgraphs[0])
    path = tmp_path / "u55.tflite"
    path.write_bytes(schema.pack(model))
    (c,) = check(str(path), device="imx93")
    assert c.runs.status == c.npu.status == "fails"
    assert "for ethos-u55-256" in c.npu.reason


def converted(description: bytes):
    """All but the softmax in one NeutronGraph, as NXP's converter leaves a classifier."""

    def change(model, graph) -> None:
        npu, last = graph.operators[0], graph.operators[-1]
        npu.opcodeIndex, npu.builtinOptions, npu.builtinOptionsType = code_of(model, "NeutronGraph"), None, 0
        npu.outputs, graph.operators, model.description = graph.operators[-2].outputs, [npu, last], description

    return change


def test_a_file_by_neutron_converter_is_compiled(altered):
    path = altered(converted(MCX))
    found = statuses(path)
    assert found["mcxn947"] == ("ok", "partial")
    assert {found[name] for name in ("imx93", "imx8mp")} == {("fails", "fails")}
    (c,) = check(path, device="mcxn947")
    assert c.npu.reason == "the compiler left SOFTMAX to the CPU"
    assert {n: q.value for n, q in c.npu.quantities.items()} == {"npu": 1, "cpu": 1}
    latencies = [f for f in c.findings if "latency" in f.check]
    assert latencies
    assert {f.status for f in latencies} == {"unknown"}


def test_a_neutron_graph_for_another_device(altered):
    (c,) = check(altered(converted(RT700)), device="mcxn947")
    assert (c.runs.status, c.npu.status) == ("fails", "fails")
    assert "for NXP i.MX RT700" in c.npu.reason


def test_a_neutron_graph_that_names_no_device(altered):
    assert statuses(altered(converted(b"mine")))["mcxn947"] == ("unknown", "unknown")


@pytest.mark.parametrize("name", ["imx93", "mcxn947"])
def test_a_compiled_file_is_not_compiled_again(altered, by_vela, tmp_path, name):
    for path in (altered(converted(MCX)), by_vela):
        with pytest.raises(RefusedError, match=r"compiled already .* compile the file that it was made from"):
            compile_for(path, device=name, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", [["predict", "FILE", "x.png"], ["evaluate", "FILE", "--data", "photos"]])
def test_a_converted_file_is_refused_in_one_line(altered, tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    path, picture = altered(converted(MCX)), Image.fromarray(probe((32, 32, 3), np.uint8))
    for each in registry.contract("tiny-resnet").classes:
        (tmp_path / "photos" / each).mkdir(parents=True)
        picture.save(tmp_path / "photos" / each / "0.png")
    picture.save(tmp_path / "x.png")
    assert main([path if word == "FILE" else word for word in words]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "LiteRT does not run it: Encountered unresolved custom op: NeutronGraph" in err


# --- tools that die, and what files lack


def block_wise(model, graph) -> None:
    """int4 weights with one scale a block, as LiteRT's own test file has them; here the scales are damaged."""
    weights, details = dense_weights(model, graph), generated.BlockwiseQuantizationT()
    details.scales = details.zeroPoints = 0
    details.blockSize, weights.type = 32, INT4
    weights.quantization.details = details
    weights.quantization.detailsType = generated.QuantizationDetails.BlockwiseQuantization


def test_litert_that_dies_gives_no_verdict(altered):
    (c,) = check(altered(block_wise), device="linux-arm64")
    assert c.runs.status == "unknown"
    assert c.runs.reason.startswith("LiteRT crashed: SIG")


def four_bits(_, graph) -> None:
    graph.tensors[graph.operators[0].inputs[1]].type = INT4


def test_vela_that_dies_of_int4_gives_no_verdict(altered):
    (c,) = check(altered(four_bits), device="imx93")
    assert c.npu.status in {"unknown", "fails"}
    npu = next(f for f in c.findings if f.check == "npu operators")
    assert (npu.status, npu.reason.rpartition(" ")[2]) == ("unknown", "SIGFPE")
    assert not npu.operators


def no_operators(_, graph) -> None:
    graph.operators, graph.outputs = [], graph.inputs


def test_nothing_is_not_on_the_npu(altered):
    for c in check(altered(no_operators)):
        assert c.runs.status == "ok"
        assert c.npu is None or c.npu.status == "fails"
        assert c.npu is None or "no operators" in c.npu.reason + str(c.npu.operators)


def test_what_the_npu_lists_the_cpu_has_too():
    """An LSTM was on the NPU, and did not run."""
    rules = [ruleset(each) for each in device("mcxn947").rules]
    cpu, npu = (next(each for each in rules if each.decides == decides) for decides in ("runs", "npu"))
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" in npu.operators
    assert not set(npu.operators) - set(cpu.operators)


@pytest.mark.parametrize("name", ["imx93", "imx8mp"])
def test_what_the_runtime_refuses_is_not_on_the_npu(altered, name):
    (c,) = check(altered(rename_last("Mine")), device=name)
    assert c.runs.status == c.npu.status == "fails"
    assert "unresolved custom op: Mine" in c.npu.reason


# --- words


def bare(model, _) -> None:
    model.metadata = []


def test_export_advises_what_it_has(altered):
    with pytest.raises(RefusedError, match=r"carries no contract; eyespot doctor FILE --data FOLDER --write COPY"):
        export(altered(bare))
    with pytest.raises(RefusedError, match="--contract MODEL"):
        evaluate(altered(bare), data="cifar-10")


def test_a_damaged_file_is_no_verdict(tmp_path):
    (tmp_path / "x.tflite").write_bytes(b"0000TFL3")
    with pytest.raises(BadFileError):
        check(str(tmp_path / "x.tflite"))
