"""Ranges and bias correction."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as generated
from hypothesis import given
from hypothesis import strategies as st

from eyespot.conversion.clean import finish, leave_out_softmax, repair
from eyespot.errors import RefusedError
from eyespot.evaluation import workers
from eyespot.preprocessing.spec import Contract, Preprocessing
from eyespot.preprocessing.synthetic import picture
from eyespot.quantization import activations, bias, dense, ranges, statistics
from eyespot.quantization.calibration import spread
from eyespot.tflite import contract as contracts
from eyespot.tflite import run, schema
from eyespot.tflite.read import File, read
from eyespot.verbs.quantize import quantize
from eyespot.zoo import registry
from eyespot.zoo.cards import Quantization
from quantizing import quantized


def observed(file, tensors):
    return activations.merged([activations.observe(file, tensors)])


@pytest.fixture(scope="module")
def float32():
    return read(registry.find("tiny-resnet:float32"))


@pytest.fixture(scope="module")
def real(float32):
    encode = run.encoder(float32, float32.contract)
    return np.stack([encode(picture(i, 32, 32, 3)) for i in range(16)])


@pytest.fixture(scope="module")
def chosen(float32, real):
    extremes, _ = observed(float32, real)
    counts = [ranges.histograms(float32, each, extremes) for each in np.split(real, 4)]
    return {
        how: ranges.choose(float32.input.name, float32.contract.preprocessing, how, extremes, counts)
        for how in ("minmax", "percentile", "mse")
    }


def test_the_input_range_is_exact(float32, chosen):
    assert all(each[float32.input.name] == (0.0, 255.0) for each in chosen.values())


def test_every_activation_has_a_range_with_zero_in_it(float32, chosen):
    for each in chosen.values():
        assert set(each) == set(activations.indices(float32))
        assert all(low <= 0 <= high and low < high for low, high in each.values())


def test_minmax_is_the_true_extremes(float32, real, chosen):
    name, index = list(activations.indices(float32).items())[3]
    seen = np.stack([next(values) for values in activations.watch(float32, (index,), real)])
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
    data = finish(repair(ranges.quantize_static(float32.data, chosen["minmax"])), float32.contract, {})
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
    """Mean distance of each layer's channel means, int8 from float32."""
    means = [
        observed(file, (real - 128).astype(np.int8))[1],
        observed(float32, real)[1],
    ]
    found = []
    for layer, stored, wanted in zip(activations.layers(file), *means, strict=True):
        scale, zero_point = activations.scale_of(file, layer.outputs[0])
        found.append(np.abs((stored - zero_point) * scale - wanted).mean())
    return np.array(found)


def test_bias_correction_brings_channel_means_back(plain, float32, real):
    before = channel_errors(plain, float32, real)
    _, means = observed(float32, real)
    corrected = unpacked(plain.data)
    bias.correct(corrected, means, (real - 128).astype(np.int8))
    after = channel_errors(unpacked(schema.pack(corrected.model)), float32, real)
    assert after.mean() < 0.6 * before.mean()
    assert np.median(after / before) < 0.6


@pytest.mark.parametrize(
    ("model", "data"),
    [("tiny-resnet", "cifar-10"), pytest.param("deepface-emotion", "fer2013", marks=pytest.mark.slow)],
)
def test_quantize_writes_the_shipped_bytes(model, data, real_data, tmp_path):
    real_data(data)
    quantize(model, out=tmp_path)
    assert (tmp_path / "int8.tflite").read_bytes() == registry.find(model).read_bytes()


CONTRACT = Contract(
    model="tiny-resnet",
    preprocessing=Preprocessing(height=8, width=8, mean=(128.0,), std=(64.0,)),
    classes=tuple("abcd"),
)
PIXELS = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3)).astype(np.uint8)


def converted(network):
    """The float32 file of a torch network that takes 8 x 8 RGB pixels and has four outputs."""
    from eyespot.conversion.pytorch import to_tflite

    data = finish(repair(to_tflite(network, CONTRACT.preprocessing)), CONTRACT, {})
    return unpacked(data)


def unpacked(data):
    return File(path=Path("packed.tflite"), data=data, model=schema.unpack(data))


@pytest.fixture(scope="module")
def branching():
    """An int8 file with biases as they are, its images, and its float32 file's means.

    It has two branches, a convolution that runs twice, and besides layers ADD, MUL, LOGISTIC, SLICE,
    CONCATENATION and pooling.
    """
    torch = pytest.importorskip("torch")
    from torch import nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.deep = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, groups=8)
            self.twice, self.last = nn.Conv2d(8, 8, 1), nn.Linear(8, 4)

        def forward(self, x):
            x = self.stem(x).relu()
            first, second = self.twice(self.deep(x).relu()).split(4, 1)
            y = torch.cat([second, first], 1)
            y = y * self.twice(nn.functional.avg_pool2d(y, 8)).sigmoid()
            return self.last(torch.flatten(nn.functional.avg_pool2d((x + y).relu(), 8), 1))

    torch.manual_seed(0)
    float32 = converted(Network())
    made = quantized(float32, PIXELS, Quantization(bias_correction=False))
    int8 = unpacked(finish(made, CONTRACT, {}))
    tensors, real = (run.levels(CONTRACT.preprocessing, file.input).take(PIXELS) for file in (int8, float32))
    return int8.data, tensors, observed(float32, real)[1]


def share_biases(file):
    """All layers with eight channels get the first one's bias."""
    first, *others = (file.graph.tensors[layer.inputs[2]] for layer in activations.layers(file))
    for tensor in others[:-1]:
        tensor.buffer = first.buffer


def merge_slices(file):
    """One SPLIT with two outputs in place of both SLICEs."""
    model, graph = file.model, file.graph
    slices = [o for o in graph.operators if schema.operator_name(model, o) == "SLICE"]
    code, axis, buffer = generated.OperatorCodeT(), generated.TensorT(), generated.BufferT()
    code.builtinCode = code.deprecatedBuiltinCode = generated.BuiltinOperator.SPLIT
    code.version = 2
    axis.name, axis.type, axis.buffer = b"axis", generated.TensorType.INT32, len(model.buffers)
    model.buffers.append(buffer)
    schema.set_constant(model, axis, np.array(3, np.int32))
    split = slices[0]
    split.opcodeIndex, split.inputs = len(model.operatorCodes), [len(graph.tensors), split.inputs[0]]
    split.outputs = [int(o.outputs[0]) for o in slices]
    split.builtinOptionsType = generated.BuiltinOptions.SplitOptions
    split.builtinOptions = generated.SplitOptionsT()
    split.builtinOptions.numSplits = 2
    model.operatorCodes.append(code)
    graph.tensors.append(axis)
    graph.operators.remove(slices[1])


def corrected_by_whole_runs(int8, means, tensors):
    """Bias correction by its definition: for each layer all images run through the whole network."""
    for i, layer in enumerate(activations.layers(int8)):
        scale, zero_point = activations.scale_of(int8, layer.outputs[0])
        stored = observed(int8, tensors)[1][i]
        bias.shift(int8, layer, means[i] - (stored - zero_point) * scale)
        int8 = replace(int8, data=schema.pack(int8.model))
    return int8.data


@pytest.mark.parametrize("change", [None, share_biases, merge_slices])
def test_layer_by_layer_corrects_as_whole_runs_do(branching, change):
    data, tensors, means = branching
    file = unpacked(data)
    if change:
        change(file)
        data = schema.pack(file.model)
    bias.correct(file := unpacked(data), means, tensors)
    corrected = schema.pack(file.model)
    assert corrected == corrected_by_whole_runs(unpacked(data), means, tensors)
    assert corrected != data


def test_bias_correction_runs_each_operator_at_most_twice(branching):
    data, tensors, means = branching
    file, runs = unpacked(data), 0

    def count(frame, event, _):
        nonlocal runs
        runs += event == "call" and frame.f_code.co_qualname == "Interpreter.invoke"

    sys.setprofile(count)
    try:
        bias.correct(file, means, tensors[:10])
    finally:
        sys.setprofile(None)
    layers, operators = len(activations.layers(file)), len(file.operators)
    assert 10 * layers < runs <= 10 * (layers + operators)


def stored(file, index):
    tensor = file.graph.tensors[index]
    return schema.constant(file.model, tensor), float(tensor.quantization.scale[0])


@pytest.fixture(scope="module", params=["tiny-resnet", "deepface-emotion"])
def aligned(request, tmp_path_factory):
    """An int8 file without and with aligned dense layers, biases corrected, and images as it takes them."""
    file = read(registry.find(f"{request.param}:float32"))
    spec = file.contract.preprocessing
    pictures = [picture(i, spec.height, spec.width, spec.channels) for i in range(40)]
    float32 = np.stack([run.encoder(file, file.contract)(p) for p in pictures])
    extremes, _ = observed(file, float32)
    made = ranges.quantize_static(file.data, ranges.choose(file.input.name, spec, "minmax", extremes, []))
    path = tmp_path_factory.mktemp("aligned") / "int8.tflite"
    data = finish(repair(made), file.contract, {})
    plain = File(path=path, data=data, model=schema.unpack(data))
    tensors = np.stack([run.encoder(plain, file.contract)(p) for p in pictures])
    whole = File(path=path, data=data, model=schema.unpack(data))
    dense.align(whole, file)
    bias.correct(whole, observed(file, float32[:8])[1], tensors[:8])
    path.write_bytes(schema.pack(whole.model))
    return plain, read(path), tensors


def test_dense_layers_shift_without_rounding_twice(aligned):
    plain, whole, _ = aligned
    for before, layer in zip(activations.layers(plain), activations.layers(whole), strict=True):
        if schema.operator_name(whole.model, layer) != "FULLY_CONNECTED":
            continue
        (_, given), (weights, unit), (biases, both) = (stored(whole, i) for i in layer.inputs[:3])
        _, after = stored(whole, layer.outputs[0])
        assert np.log2(given * unit / after) == np.round(np.log2(given * unit / after)) < -1
        assert both == pytest.approx(given * unit, rel=1e-6)
        assert not (weights % 2).any()
        assert not (biases % 2).any()
        assert 32 <= abs(weights).max() // 2 <= 63
        assert 1 <= after / stored(plain, before.outputs[0])[1] <= 9 / 8 + 0.001


def test_all_kernels_but_xnnpack_give_the_same_bits(aligned):
    _, whole, tensors = aligned
    reference, tflm = (run.open_runner(whole, kernels) for kernels in ("reference", "tflm"))
    assert np.array_equal([reference(t) for t in tensors], [tflm(t) for t in tensors])


def graphs():
    """Other networks than ours, and how many of their dense layers may have scales that need no rounding."""
    from torch import cat, flatten, nn

    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.dense = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3), nn.Linear(16, 4)

        def forward(self, x):
            joined = cat([self.one(x).relu(), self.two(x).relu()], 1)
            return self.dense(flatten(nn.functional.avg_pool2d(joined, 6), 1))

    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.twice, self.last = stem(), nn.Linear(8, 8), nn.Linear(8, 4)

        def forward(self, x):
            return self.last(self.twice(self.twice(self.stem(x)).relu()))

    class Back(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Sequential(stem(), nn.Linear(8, 8))
            self.conv, self.last = nn.Conv2d(8, 8, 1), nn.Linear(8, 4)

        def forward(self, x):
            return self.last(flatten(self.conv(self.first(x)[:, :, None, None]), 1))

    def stem():
        return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AvgPool2d(6), nn.Flatten())

    def dense(n):
        return [layer for _ in range(n - 1) for layer in (nn.Linear(8, 8), nn.ReLU())] + [nn.Linear(8, 4)]

    return {
        "one": (nn.Sequential(stem(), *dense(1)), {1}),
        "three in a row": (nn.Sequential(stem(), *dense(3)), {3}),
        "five in a row": (nn.Sequential(stem(), *dense(5)), {3, 4, 5}),
        "on pixels": (nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.ReLU(), *dense(1)), {1}),
        "without bias": (nn.Sequential(stem(), nn.Linear(8, 8, bias=False), nn.ReLU(), *dense(1)), {1}),
        "flattened": (nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 4)), {0, 1}),
        "branches": (Branches(), {0}),
        "shared": (Shared(), {1}),
        "a convolution behind": (Back(), {0, 1, 2}),
    }


def rounds_once(file, layer) -> bool:
    tensors = layer.inputs[0], layer.inputs[1], layer.outputs[0]
    given, unit, after = (float(file.graph.tensors[i].quantization.scale[0]) for i in tensors)
    return dense.multiple(file, layer) == 2 and math.log2(given * unit / after).is_integer()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["one", "three in a row", "five in a row", "on pixels", "without bias", "flattened", "branches", "shared",
     "a convolution behind"],
)  # fmt: skip
def test_other_networks_with_dense_layers(name, tmp_path):
    """They run everywhere, stay close to float32, and biases have the scale of what they are added to."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    network, expected = graphs()[name]
    float32 = converted(network)
    made = quantized(float32, PIXELS, Quantization(bias_correction=False))
    (path := tmp_path / "int8.tflite").write_bytes(finish(made, CONTRACT, {}))
    file = read(path)
    for layer in activations.layers(file):
        given, unit, both = (np.asarray(file.graph.tensors[i].quantization.scale) for i in layer.inputs[:3])
        assert np.allclose(given * unit, both, rtol=1e-6, atol=0)
    found = [rounds_once(file, layer) for layer in activations.layers(file)]
    assert sum(found) in expected
    stored = [run.encoder(file, CONTRACT)(p) for p in PIXELS]
    reference = np.stack([run.open_runner(file, "reference")(t) for t in stored])
    run.open_runner(file, "xnnpack")(stored[0])
    real = np.stack([run.open_runner(float32, "xnnpack")(run.encoder(float32, CONTRACT)(p)) for p in PIXELS])
    assert np.abs(run.to_float(reference, file.output) - real).max() < 0.03
    if all(found):
        tflm = run.open_runner(file, "tflm")
        assert np.array_equal(reference, [tflm(t) for t in stored])


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


@pytest.mark.slow
@pytest.mark.parametrize("corrected", [False, True])
def test_biases_do_not_overflow_where_inputs_are_always_zero(corrected):
    torch = pytest.importorskip("torch")
    from torch import nn

    class Silent(nn.Module):
        def __init__(self):
            super().__init__()
            self.zero, self.behind, self.other = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(3, 8, 5)
            self.dense, self.last = nn.Linear(8, 8), nn.Linear(8, 4)
            nn.init.constant_(self.zero.bias, -100)
            for layer in (self.behind, self.dense):
                nn.init.uniform_(layer.bias, 0.5, 2)

        def forward(self, x):
            zeros, mean = self.zero(x).relu(), nn.functional.avg_pool2d
            images = mean(self.behind(zeros) + self.other(x).relu(), 4)
            return self.last(torch.flatten(images, 1) + self.dense(torch.flatten(mean(zeros, 6), 1)))

    torch.manual_seed(0)
    float32 = converted(Silent())
    made = quantized(float32, PIXELS, Quantization(bias_correction=corrected))
    file = unpacked(finish(made, CONTRACT, {}))
    for layer in activations.layers(file):
        assert abs(schema.constant(file.model, file.graph.tensors[layer.inputs[2]])).max() < 2**30
    shares = []
    for each, kernels in ((file, "reference"), (file, "xnnpack"), (float32, "xnnpack")):
        encode, answer = run.encoder(each, CONTRACT), run.open_runner(each, kernels)
        shares.append(np.stack([run.to_float(answer(encode(p)), each.output) for p in PIXELS]))
    assert np.abs(shares[0] - shares[2]).max() < 0.03
    assert np.abs(shares[1] - shares[2]).max() < 0.03


# --- logits


@pytest.mark.slow
def test_logits_are_the_same_file_without_its_softmax(tmp_path, real_data):
    """Same classes, nearly the same probabilities; the contract says what the outputs are."""
    real_data("cifar-10")
    made = {
        name: quantize("tiny-resnet", images=20, logits=name == "logits", out=tmp_path / name)
        for name in ("plain", "logits")
    }
    plain, logits = (read(tmp_path / name / "int8.tflite") for name in made)
    assert (*logits.operators, "SOFTMAX") == tuple(plain.operators)
    assert (plain.contract.logits, logits.contract.logits) == (False, True)
    assert "logits" not in made["plain"].artifact.arguments
    assert made["logits"].artifact.arguments["logits"] is True
    pictures = [picture(index, 32, 32, 3) for index in range(4)]
    for kernels in ("reference", "tflm"):
        given = [
            np.stack([run.open_runner(file, kernels)(run.encoder(file, file.contract)(p)) for p in pictures])
            for file in (plain, logits)
        ]
        shares = [
            run.to_float(x, f.output, logits=f.contract.logits) for x, f in zip(given, (plain, logits), strict=True)
        ]
        assert np.abs(shares[0] - shares[1]).max() < 1.5 / 256
        assert shares[1].sum(-1) == pytest.approx(1)


def test_a_file_without_a_last_softmax_keeps_its_operators(tmp_path, real_data):
    real_data("cifar-10")
    path = tmp_path / "model/float32.tflite"
    path.parent.mkdir()
    source = read(registry.find("tiny-resnet:float32"))
    leave_out_softmax(source.model, path)
    path.write_bytes(finish(source.model, source.contract, {}))
    with pytest.raises(RefusedError, match="expected SOFTMAX as the last operator, found FULLY_CONNECTED: quantize it"):
        quantize(str(path), images=20, logits=True, out=tmp_path)


@pytest.mark.parametrize("value", [False, 1, "yes"])
def test_a_contract_that_says_logits_otherwise(value):
    file = read(registry.find("tiny-resnet"))
    fields = contracts.content(file.model)
    model = schema.unpack(contracts.rewritten(file.data, replace(file.contract, logits=True)))
    assert contracts.read(model).logits
    entry = next(each for each in model.metadata if each.name == contracts.NAME)
    text = bytes(model.buffers[entry.buffer].data).replace(b'"logits":true', f'"logits":{json.dumps(value)}'.encode())
    model.buffers[entry.buffer].data = np.frombuffer(text, np.uint8)
    with pytest.raises(ValueError, match=r"its metadata says logits .*, expected true"):
        contracts.read(model)
    assert fields.version == 1


def test_the_parts_change_no_bit(float32):
    """Nor does the number of workers; 75 images are more than those whose means count, and no whole parts."""
    pixels = np.stack([picture(i, 32, 32, 3) for i in range(75)])
    tensors = run.stored(pixels, float32.contract.preprocessing, float32.input)
    extremes, means = observed(float32, tensors)
    counts = ranges.histograms(float32, tensors, extremes)
    with workers.start(2) as pool:
        measured = statistics.measure(float32, pixels, "mse", pool)
    spec = float32.contract.preprocessing
    assert measured.ranges == ranges.choose(float32.input.name, spec, "mse", extremes, [counts])
    assert [each.tolist() for each in measured.means] == [each.tolist() for each in means]
