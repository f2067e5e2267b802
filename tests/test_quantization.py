"""Ranges and bias correction."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot import registry
from eyespot.datasets.synthetic import picture
from eyespot.errors import RefusedError
from eyespot.quantization import activations, bias, dense, int8, ranges
from eyespot.quantization.calibration import spread
from eyespot.tflite import run, schema
from eyespot.tflite.clean import clean
from eyespot.tflite.read import File, read
from eyespot.tflite.tflm import isolated, run_all
from eyespot.verbs.quantize import quantize


@pytest.fixture(scope="module")
def float32():
    return read(registry.find("tiny-resnet:float32"))


@pytest.fixture(scope="module")
def real(float32):
    encode = run.encoder(float32, float32.contract)
    return np.stack([encode(picture(i, 32, 32, 3)) for i in range(16)])


@pytest.fixture(scope="module")
def chosen(float32, real):
    return {
        how: ranges.choose(float32, real, float32.contract.input, how)
        for how in ("minmax", "percentile", "mse")
    }


def test_the_input_range_is_exact(float32, chosen):
    assert all(each[float32.input.name] == (0.0, 255.0) for each in chosen.values())


def test_every_activation_has_a_range_with_zero_in_it(float32, chosen):
    for each in chosen.values():
        assert set(each) == set(activations.names(float32))
        assert all(low <= 0 <= high and low < high for low, high in each.values())


def test_minmax_is_the_true_extremes(float32, real, chosen):
    name = activations.names(float32)[3]
    look = activations.watch(float32, (name,))
    seen = np.stack([next(look(tensor)).copy() for tensor in real])
    assert chosen["minmax"][name] == (min(0.0, seen.min()), max(0.0, seen.max()))


def test_other_ranges_lie_within(float32, chosen):
    for how in ("percentile", "mse"):
        for name, (low, high) in chosen[how].items():
            widest = chosen["minmax"][name]
            assert widest[0] - 1e-5 <= low
            assert high <= widest[1] + 1e-5


def test_percentile_leaves_out_the_outlier():
    counts = np.zeros(ranges.BINS, np.int64)
    counts[0], counts[-1], counts[100] = 10_000_000, 1, 1000
    assert ranges._percentile(counts, (0.0, 2048.0)) == (0.0, 101.0)


def test_least_squares_weighs_clipping_against_rounding():
    counts = np.zeros(ranges.BINS, np.int64)
    counts[:700] = 1000
    counts[-1] = 1
    low, high = ranges._least_squares(counts, (0.0, 1.0))
    assert low == 0
    assert 700 / ranges.BINS <= high < 1


@pytest.fixture(scope="module")
def plain(float32, chosen):
    """int8 without bias correction."""
    data = clean(int8.quantize_static(float32.data, chosen["minmax"]), float32.contract, {})
    return File(path=float32.path, data=data, model=schema.unpack(data))


def test_full_int8(plain):
    kinds = {schema.TYPES[t.type] for t in plain.graph.tensors}
    assert kinds == {"int8", "int32"}
    assert (plain.input.scale, plain.input.zero_point) == (1.0, -128)
    assert (plain.output.scale, plain.output.zero_point) == (1 / 256, -128)


def test_granularity(plain):
    """Convolutions per channel, dense layers per tensor (NXP's i.MX 93 delegate refuses the other)."""
    for layer in activations.layers(plain):
        weights = plain.graph.tensors[layer.inputs[1]]
        dense = schema.operator_name(plain.model, layer) == "FULLY_CONNECTED"
        assert len(weights.quantization.scale) == (1 if dense else weights.shape[0])


def channel_errors(file, float32, real):
    stored = (real - 128).astype(np.int8)
    found = []
    for layer8, layer32 in zip(activations.layers(file), activations.layers(float32), strict=True):
        name = activations.output_name(file, layer8)
        scale, zero_point = activations.scale_of(file, name)
        mean = (bias._means(file, (name,), stored)[0] - zero_point) * scale
        found.append(
            np.abs(mean - bias._means(float32, (activations.output_name(float32, layer32),), real)[0]).mean()
        )
    return np.array(found)


def test_bias_correction_brings_channel_means_back(plain, float32, real):
    before = channel_errors(plain, float32, real)
    corrected = bias.correct(plain, float32, (real - 128).astype(np.int8), real)
    after = channel_errors(corrected, float32, real)
    assert after.mean() < 0.6 * before.mean()
    assert np.median(after / before) < 0.6


def stored(file, index):
    tensor = file.graph.tensors[index]
    return schema.constant(file.model, tensor), float(tensor.quantization.scale[0])


@pytest.fixture(scope="module", params=["tiny-resnet", "deepface-emotion"])
def aligned(request, tmp_path_factory):
    """An int8 file without and with aligned dense layers, biases corrected, and images as it takes them."""
    file = read(registry.find(f"{request.param}:float32"))
    taken = file.contract.input
    pictures = [picture(i, taken.height, taken.width, taken.channels) for i in range(40)]
    float32 = np.stack([run.encoder(file, file.contract)(p) for p in pictures])
    made = int8.quantize_static(file.data, ranges.choose(file, float32, taken, "minmax"))
    path = tmp_path_factory.mktemp("aligned") / "int8.tflite"
    data = clean(made, file.contract, {})
    plain = File(path=path, data=data, model=schema.unpack(data))
    tensors = np.stack([run.encoder(plain, file.contract)(p) for p in pictures])
    whole = File(path=path, data=data, model=schema.unpack(data))
    whole = bias.correct(dense.align(whole, file), file, tensors[:8], float32[:8])
    path.write_bytes(whole.data)
    return plain, whole, tensors


def test_dense_layers_shift_without_rounding_twice(aligned):
    plain, whole, _ = aligned
    for before, layer in zip(activations.layers(plain), activations.layers(whole), strict=True):
        if dense.grain(whole, layer) == 1:
            continue
        (_, given), (weights, unit), (biases, both) = (stored(whole, i) for i in layer.inputs[:3])
        _, after = stored(whole, layer.outputs[0])
        assert np.log2(given * unit / after) == np.round(np.log2(given * unit / after)) < -1
        assert both == pytest.approx(given * unit, rel=1e-6)
        assert not (weights % 2).any()
        assert not (biases % 2).any()
        assert abs(weights).max() >= 63
        assert 1 <= after / stored(plain, before.outputs[0])[1] <= 9 / 8 + 0.001


def test_all_kernels_but_xnnpack_give_the_same_bits(aligned):
    _, whole, tensors = aligned
    answer = run.open_runner(whole, "reference")
    assert np.array_equal(np.stack([answer(t) for t in tensors]), isolated(run_all, whole.path, tensors))


def test_pooling_keeps_the_scale_of_what_it_pools(aligned):
    _, whole, _ = aligned
    for operator in whole.graph.operators:
        if schema.operator_name(whole.model, operator) in dense.SAME_SCALE:
            assert stored(whole, operator.inputs[0])[1] == stored(whole, operator.outputs[0])[1]


@given(st.floats(1e-6, 1e6), st.integers(1, 20))
def test_rounding_up_to_significant_bits(value, bits):
    rounded = dense._round_up(value, bits)
    assert value <= rounded <= value * (1 + 2.0 ** (1 - bits))
    assert math.ldexp(math.frexp(rounded)[0], bits).is_integer()


def test_calibration_images_are_spread_evenly():
    class Ten:
        def __len__(self):
            return 10

    assert spread(Ten(), 4) == [0, 3, 6, 9]
    assert spread(Ten(), 50) == list(range(10))


def test_an_int8_file_is_refused():
    with pytest.raises(RefusedError, match="is int8 already"):
        quantize(str(registry.find("tiny-resnet")))
