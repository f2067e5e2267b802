"""evaluate: spans of work, files that are refused, crash or stop, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as generated
from hypothesis import given
from hypothesis import strategies as st

import eyespot
from eyespot.artifacts import places
from eyespot.errors import BadFileError, ToolCrashedError
from eyespot.evaluation import engine
from eyespot.preprocessing.spec import Contract, Preprocessing
from eyespot.tflite import contract, schema
from eyespot.tflite.read import read
from eyespot.zoo import registry
from pictures import write_folder

TINY = registry.find("tiny-resnet")
FLOAT32 = registry.find("tiny-resnet:float32")


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """3,000 images, which are links to 100 pictures, and whose classes are numbers."""
    folder = tmp_path_factory.mktemp("photos")
    write_folder(folder, 100)
    pictures = sorted(folder.rglob("*.png"))
    for i in range(3_000):
        os.link(pictures[i % 100], folder / f"{i}.png")
    rows = "".join(f"{i}.png,{i % 10}\n" for i in range(3_000))
    (folder / "labels.csv").write_text("file,class_index\n" + rows)
    return folder


def changed(tmp_path: Path, source: Path, change) -> Path:
    """A copy of a shipped file that `change` has worked on."""
    model = schema.unpack(source.read_bytes())
    change(model)
    path = tmp_path / "changed.tflite"
    path.write_bytes(schema.pack(model))
    return path


def dense(model):
    """The last layer with weights."""
    return next(o for o in model.subgraphs[0].operators if schema.operator_name(model, o) == "FULLY_CONNECTED")


def weights_without_scales(model):
    """Block-wise int4, which LiteRT reads without looking whether the tensor of scales exists."""
    tensor = model.subgraphs[0].tensors[dense(model).inputs[1]]
    tensor.type, tensor.quantization = generated.TensorType.INT4, generated.QuantizationParametersT()
    tensor.quantization.detailsType = generated.QuantizationDetails.BlockwiseQuantization
    tensor.quantization.details = generated.BlockwiseQuantizationT()
    tensor.quantization.details.scales, tensor.quantization.details.blockSize = 9999, 8


def gather_beyond_the_end(model):
    """An operator that LiteRT refuses only when it runs: class 99 of 10."""
    graph, code, buffer = model.subgraphs[0], generated.OperatorCodeT(), generated.BufferT()
    code.builtinCode = code.deprecatedBuiltinCode = generated.BuiltinOperator.GATHER
    code.version = 1
    buffer.data = np.frombuffer(np.full(10, 99, np.int32).tobytes(), np.uint8)
    indices, output, operator = generated.TensorT(), generated.TensorT(), generated.OperatorT()
    indices.shape, indices.type, indices.buffer = [10], generated.TensorType.INT32, len(model.buffers)
    output.shape, output.type, output.buffer = [1, 10], generated.TensorType.FLOAT32, 0
    operator.opcodeIndex, operator.inputs = len(model.operatorCodes), [graph.outputs[0], len(graph.tensors)]
    operator.builtinOptionsType = generated.BuiltinOptions.GatherOptions
    operator.builtinOptions = generated.GatherOptionsT()
    operator.builtinOptions.axis, operator.outputs = 1, [len(graph.tensors) + 1]
    model.operatorCodes.append(code)
    model.buffers.append(buffer)
    graph.tensors += [indices, output]
    graph.operators.append(operator)
    graph.outputs, model.signatureDefs = operator.outputs, None


@given(st.integers(1, 20_000), st.integers(1, 1_000), st.integers(1, 64))
def test_spans_cover_all_images_in_order(images, most, processes):
    spans = list(engine.spans(images, most, processes))
    assert [i for start, stop in spans for i in range(start, stop)] == list(range(images))
    sizes = [stop - start for start, stop in spans]
    assert max(sizes) <= most
    assert sizes[:-1] == sorted(sizes[:-1], reverse=True)
    assert sizes[-1] <= max(1, most // 16, images // (4 * processes))


def test_names_of_tensors_may_be_absent(tmp_path, photos):
    def unname(model):
        for tensor in model.subgraphs[0].tensors:
            tensor.name = None

    path = changed(tmp_path, TINY, unname)
    assert read(path).input.name == ""
    measured = [eyespot.evaluate(each, data=photos, images=20) for each in (path, TINY)]
    assert measured[0].confusion == measured[1].confusion


def of_type(side: str, kind: int, scale: list[float] | None = None):
    def change(model):
        tensor = model.subgraphs[0].tensors[getattr(model.subgraphs[0], side)[0]]
        tensor.type = kind
        if tensor.quantization:
            tensor.quantization.scale = scale

    return change


def scalar_output(model):
    graph = model.subgraphs[0]
    graph.tensors[graph.outputs[0]].shape = None


@pytest.mark.parametrize(
    ("source", "change", "message"),
    [
        (FLOAT32, of_type("inputs", generated.TensorType.FLOAT16), "input of float16, expected float32"),
        (TINY, of_type("inputs", generated.TensorType.INT8), "input of int8 without a scale"),
        (TINY, of_type("inputs", generated.TensorType.INT8, [float("nan")]), "input of int8 without a scale"),
        (TINY, of_type("outputs", generated.TensorType.INT8, [0.0]), "output of int8 without a scale"),
        (TINY, of_type("inputs", generated.TensorType.INT8, [1.0, 2.0, 3.0]), "input with 3 scales, expected one"),
        (TINY, scalar_output, r"output of shape \(\), expected \(1, classes\)"),
        (FLOAT32, gather_beyond_the_end, "LiteRT does not run it: .*GATHER"),
    ],
)
def test_a_file_that_is_refused_gives_one_line(tmp_path, photos, source, change, message):
    path = changed(tmp_path, source, change)
    with pytest.raises(BadFileError, match=message) as caught:
        eyespot.evaluate(path, data=photos, images=20)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_crashes_litert_gives_its_signal(tmp_path, photos):
    path = changed(tmp_path, FLOAT32, weights_without_scales)
    with pytest.raises(ToolCrashedError) as caught:
        eyespot.evaluate(path, data=photos, images=20)
    assert str(caught.value) == f"{path}: xnnpack crashed: SIGSEGV"


def test_tflm_says_why_it_refuses_a_file(tmp_path, photos, data_root):
    """LiteRT runs it."""
    names = tuple(map(str, range(1001)))
    own = Contract(model="mine", preprocessing=Preprocessing(height=128, width=128), classes=names)
    published = data_root / "published/mobilenet_v1_0.25_128_quant.tflite"
    path = changed(tmp_path, published, lambda model: contract.write(model, own, {}))
    assert eyespot.evaluate(path, data=photos, images=20).n == 20
    with pytest.raises(BadFileError, match=f"{path}: TFLM refuses it: .*Hybrid models are not supp"):
        eyespot.evaluate(path, data=photos, images=20, kernels="tflm")


def children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def seconds(process: int) -> float:
    """Of a core; importing takes less than half a second."""
    user = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11]
    return int(user) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def at_work(photos):
    """A command that takes ten seconds, and its two workers, which are at work."""
    words = ("evaluate", "tiny-resnet", "--kernels", "reference", "--processes", "2", "--data", str(photos))
    command = subprocess.Popen(
        [sys.executable, "-m", "eyespot", *words],
        env=os.environ | {"PYTHONPATH": str(places.PACKAGE.parent)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
    )  # fmt: skip
    with command:
        while len(workers := children(command.pid)) < 2 or min(map(seconds, workers)) < 1:
            assert command.poll() is None
            time.sleep(0.01)
        yield command, workers
        command.kill()
    for worker in workers:
        while Path(f"/proc/{worker}").exists():
            time.sleep(0.01)


def test_ctrl_c_ends_with_one_line_and_leaves_no_worker(at_work):
    command, workers = at_work
    os.killpg(command.pid, signal.SIGINT)  # as a terminal does
    assert command.communicate(timeout=10) == ("", "eyespot: stopped; nothing is left half-written\n")
    assert command.returncode == 1
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_a_worker_that_is_killed_is_no_verdict_on_the_file(at_work):
    command, workers = at_work
    os.kill(workers[0], signal.SIGKILL)  # as the kernel does when memory runs out
    assert command.communicate(timeout=10) == ("", f"eyespot: {TINY}: reference crashed: SIGKILL\n")
    assert command.returncode == 1
