"""Reading, cleaning and running .tflite files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as generated
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.conversion.clean import drop_unused, finish, inline_buffers, repair, restore_first_convolution
from eyespot.errors import BadFileError, MissingDataError, RefusedError, ToolCrashedError
from eyespot.preprocessing.spec import Preprocessing
from eyespot.preprocessing.synthetic import picture
from eyespot.tflite import contract, run, schema
from eyespot.tflite.checks import OPTIONS
from eyespot.tflite.read import File, Tensor, read
from eyespot.tflite.tflm import measure_arena
from eyespot.zoo import registry


@pytest.fixture(scope="module")
def int8():
    return read(registry.find("tiny-resnet"))


@pytest.fixture(scope="module")
def float32():
    return read(registry.find("tiny-resnet:float32"))


def written(tmp_path: Path, model) -> Path:
    path = tmp_path / "x.tflite"
    path.write_bytes(schema.pack(model))
    return path


def test_missing_file(tmp_path):
    with pytest.raises(MissingDataError, match="no such file"):
        read(tmp_path / "x.tflite")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\3\4" + bytes(100), bytes(4) + b"TFL3"])
def test_not_a_tflite_file(tmp_path, content):
    path = tmp_path / "x.tflite"
    path.write_bytes(content)
    with pytest.raises(BadFileError, match=r"x\.tflite: is (not|a damaged) "):
        read(path)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damaged_files_read_or_raise_one_line(tmp_path_factory, int8, data):
    content = bytearray(int8.data)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("t") / "x.tflite"
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    try:
        read(path)
    except BadFileError as error:
        assert str(path) in str(error)


def test_two_inputs_are_refused(tmp_path, int8):
    model = schema.unpack(int8.data)
    model.subgraphs[0].inputs = np.array([0, 1], np.int32)
    with pytest.raises(BadFileError, match="2 inputs and 1 outputs"):
        read(written(tmp_path, model))


def test_an_input_that_is_no_image_is_refused(tmp_path, int8):
    model = schema.unpack(int8.data)
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shape = np.array([1, 32, 32, 4], np.int32)
    with pytest.raises(BadFileError, match=r"input of shape \(1, 32, 32, 4\)"):
        read(written(tmp_path, model))


def test_packing_is_stable_and_aligned(int8):
    once = schema.pack(schema.unpack(int8.data))
    assert schema.pack(schema.unpack(once)) == once
    raw = np.frombuffer(once, np.uint8)
    for buffer in schema.unpack(once).buffers:
        if buffer.data is not None and len(buffer.data) > 64:
            place = once.find(np.asarray(buffer.data, np.uint8).tobytes())
            assert place % 16 == 0
    assert len(raw) <= len(int8.data)


def test_cleaning_twice_changes_nothing(int8):
    provenance = contract.content(int8.model).provenance
    assert finish(repair(int8.data), int8.contract, provenance) == int8.data


def test_external_buffers_come_back_inline(tmp_path, int8):
    """Weights behind the flatbuffer, as litert-quantizer leaves them from 256 KB on."""
    model = schema.unpack(int8.data)
    moved = max(model.buffers, key=lambda b: 0 if b.data is None else len(b.data))
    weights = bytes(np.asarray(moved.data, np.uint8))
    moved.data, moved.size, moved.offset = None, len(weights), 1 << 20
    size = len(schema.pack(model))
    moved.offset = size
    path = tmp_path / "x.tflite"
    path.write_bytes(schema.pack(model) + weights)
    assert read(path).external_buffers == 1
    with pytest.raises(BadFileError, match="outside the flatbuffer"):
        measure_arena(read(path))
    inline_buffers(model := schema.unpack(path.read_bytes()), path.read_bytes())
    mended = read(written(tmp_path, model))
    assert mended.external_buffers == 0
    assert np.array_equal(outputs(mended), outputs(int8))


def outputs(file, kernels="reference", n=3):
    answer = run.open_runner(file, kernels)
    encode = run.encoder(file, run.contract_of(file))
    return np.stack([answer(encode(picture(i, 32, 32, 3))) for i in range(n)])


def depthwise_model():
    """One DEPTHWISE_CONV_2D over a single channel, 8x8x1 to 8x8x4, as a converter leaves a first layer."""
    weights = np.arange(36, dtype=np.float32).reshape(1, 3, 3, 4)
    model, graph = generated.ModelT(), generated.SubGraphT()
    tensors = []
    for place, (name, shape) in enumerate(
        {"x": (1, 8, 8, 1), "w": weights.shape, "b": (4,), "y": (1, 8, 8, 4)}.items()
    ):
        tensor = generated.TensorT()
        tensor.name, tensor.shape, tensor.type = name.encode(), np.array(shape, np.int32), 0
        tensor.buffer = place if name in {"w", "b"} else 0
        tensors.append(tensor)
    buffers = [generated.BufferT() for _ in range(3)]
    for place, values in ((1, weights), (2, np.ones(4, np.float32))):
        buffers[place].data = np.frombuffer(values.tobytes(), np.uint8)
    options = generated.DepthwiseConv2DOptionsT()
    options.strideW = options.strideH = options.depthMultiplier = 1
    options.depthMultiplier = 4
    operator, code = generated.OperatorT(), generated.OperatorCodeT()
    operator.inputs, operator.outputs = np.array([0, 1, 2], np.int32), np.array([3], np.int32)
    operator.builtinOptions, operator.builtinOptionsType = (
        options,
        generated.BuiltinOptions.DepthwiseConv2DOptions,
    )
    code.builtinCode = code.deprecatedBuiltinCode = generated.BuiltinOperator.DEPTHWISE_CONV_2D
    graph.tensors, graph.operators = tensors, [operator]
    graph.inputs, graph.outputs = np.array([0], np.int32), np.array([3], np.int32)
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], buffers, [code]
    model.metadata = []
    return model


def answer(model) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    opened = Interpreter(model_content=schema.pack(model), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    opened.allocate_tensors()
    opened.set_tensor(opened.get_input_details()[0]["index"], picture(0, 8, 8, 1)[None].astype(np.float32))
    opened.invoke()
    return opened.get_tensor(opened.get_output_details()[0]["index"])


def test_a_first_convolution_is_restored_with_the_same_result():
    model = depthwise_model()
    before = answer(model)
    restore_first_convolution(model)
    drop_unused(model)
    assert [schema.operator_name(model, o) for o in model.subgraphs[0].operators] == ["CONV_2D"]
    assert len(model.operatorCodes) == 1
    assert np.allclose(answer(model), before, rtol=1e-6)


def test_contract_and_provenance_travel_inside(int8):
    assert int8.contract == registry.contract("tiny-resnet")
    told = contract.content(int8.model).provenance
    assert told["verb"] == "quantize"
    assert set(told["inputs"]) == {"float32", "calibration"}


def test_a_file_without_a_contract_needs_one(tmp_path, float32):
    model = schema.unpack(float32.data)
    model.metadata = []
    bare = read(written(tmp_path, model))
    with pytest.raises(RefusedError, match="--contract MODEL"):
        run.contract_of(bare)
    assert run.contract_of(bare, registry.contract("tiny-resnet")) == float32.contract


def test_a_contract_that_does_not_fit_is_refused(int8):
    told = int8.contract
    wrong = replace(told, preprocessing=replace(told.preprocessing, width=48))
    model = schema.unpack(int8.data)
    contract.write(model, wrong, {})
    with pytest.raises(RefusedError, match=r"takes \(1, 32, 32, 3\) and gives 10 classes"):
        run.contract_of(replace(int8, model=model))


@given(st.integers(0, 255), st.sampled_from([1.0, 64.0, 127.5, 128.0, 255.0]))
def test_every_int8_file_takes_pixel_minus_128(mean, std):
    """Law 3: whatever the mean and deviation, the scale and zero point carry them exactly."""
    spec = Preprocessing(height=1, width=1, order="gray", mean=(mean,), std=(std,))
    tensor = Tensor(name="x", shape=(1, 1, 1, 1), dtype="int8", scale=np.float32(1 / std), zero_point=mean - 128)
    assert run.levels(spec, tensor).tolist() == list(range(-128, 128))


def test_levels_of_a_float_tensor():
    spec = Preprocessing(height=1, width=1, order="gray", mean=(128,), std=(128,))
    tensor = Tensor(name="x", shape=(1, 1, 1, 1), dtype="float32", scale=0, zero_point=0)
    levels = run.levels(spec, tensor)
    assert levels.dtype == np.float32
    assert levels[[0, 128, 255]].tolist() == [-1, 0, 127 / 128]


def test_outputs_are_probabilities(int8, float32):
    for file in (int8, float32):
        shares = run.to_float(outputs(file, "xnnpack"), file.output)
        assert shares.min() >= 0
        assert np.allclose(shares.sum(1), 1, atol=0.03)


def test_tflm_agrees_with_the_reference_kernels(int8):
    assert np.array_equal(outputs(int8, "tflm", n=8).argmax(1), outputs(int8, n=8).argmax(1))


def test_tflm_refuses_uint8_in_one_line(data_root):
    path = data_root / "published/mobilenet_v1_0.25_128_quant.tflite"
    with pytest.raises(BadFileError, match="Hybrid models are not supported"):
        measure_arena(read(path))


def test_an_abort_of_tflm_is_no_verdict_on_the_file(tmp_path, int8):
    model = schema.unpack(int8.data)
    for operator in model.subgraphs[0].operators:
        if schema.operator_name(model, operator) not in OPTIONS:
            operator.builtinOptions, operator.builtinOptionsType = None, 0
    with pytest.raises(ToolCrashedError, match="TFLM crashed: SIG"):
        measure_arena(File(path=tmp_path / "x.tflite", data=schema.pack(model), model=model))
