"""Rounding of weights with the covariance of what their layers read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyespot.conversion.clean import finish, repair
from eyespot.preprocessing.spec import Contract, Preprocessing
from eyespot.preprocessing.synthetic import picture
from eyespot.quantization import activations
from eyespot.quantization.rounding import WIDEST, Inputs, filters, round_in_turn
from eyespot.tflite import run, schema
from eyespot.tflite.read import parse, read
from eyespot.zoo import registry
from eyespot.zoo.cards import Quantization
from quantizing import quantized

RANDOM = np.random.default_rng(0)
CONTRACT = Contract(
    model="tiny-resnet",
    preprocessing=Preprocessing(height=8, width=8, mean=(128.0,), std=(64.0,)),
    classes=tuple("abcd"),
)
PIXELS = np.stack([picture(i, 8, 8, 3) for i in range(20)])


def covariances(groups, n):
    mixed = RANDOM.normal(size=(groups, 3 * n, n)) @ RANDOM.normal(size=(groups, n, n))
    return mixed.transpose(0, 2, 1) @ mixed / (3 * n)


def error(rounded, weights, covariance):
    off = rounded - weights
    return np.einsum("gfi,gij,gfj->gf", off, covariance, off)


def test_inputs_that_do_not_vary_together_leave_the_nearest_level():
    weights = RANDOM.uniform(-127, 127, (2, 5, 9))
    variances = np.stack([np.diag(RANDOM.uniform(0.1, 9, 9)) for _ in range(2)])
    assert (round_in_turn(weights, variances, 127) == weights.round()).all()
    assert (round_in_turn(weights, np.zeros((2, 9, 9)), 127) == weights.round()).all()


@pytest.mark.parametrize(("n", "most"), [(2, 0.95), (9, 0.7), (150, 0.5)])
def test_outputs_err_less_than_from_the_nearest_levels(n, most):
    weights, covariance = RANDOM.uniform(-100, 100, (3, 8, n)), covariances(3, n)
    found = round_in_turn(weights, covariance, 127)
    assert (found == found.round()).all()
    assert error(found, weights, covariance).mean() < most * error(weights.round(), weights, covariance).mean()


def test_each_group_is_rounded_alone():
    weights, covariance = RANDOM.uniform(-100, 100, (3, 4, 80)), covariances(3, 80)
    together = round_in_turn(weights, covariance, 127)
    for i in range(3):
        assert (round_in_turn(weights[i : i + 1], covariance[i : i + 1], 127) == together[i]).all()


def test_levels_end_at_the_largest():
    found = round_in_turn(RANDOM.uniform(-63, 63, (1, 8, 30)), covariances(1, 30), 63)
    assert abs(found).max() <= 63


def converted(*layers):
    """The float32 file of torch layers that take 8 x 8 RGB pixels and have four outputs."""
    from torch import nn

    from eyespot.conversion.pytorch import to_tflite

    data = finish(repair(to_tflite(nn.Sequential(*layers), CONTRACT.preprocessing)), CONTRACT, {})
    return parse(data, Path("packed.tflite"))


@pytest.fixture(scope="module")
def float32():
    """Every kind of layer, without activations."""
    torch = pytest.importorskip("torch")
    from torch import nn

    torch.manual_seed(0)
    shared = nn.Conv2d(6, 6, 1)
    return converted(
        nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, groups=6), nn.Conv2d(6, 6, 3, padding=2, dilation=2),
        nn.Conv2d(6, 6, 3, stride=2, groups=6), shared, shared, nn.Flatten(), nn.Linear(24, 4),
    )  # fmt: skip


def test_covariances_are_those_of_what_layers_read(float32):
    """A filter's output varies as its weights and the covariance of its inputs say."""
    real, layers = run.stored(PIXELS, CONTRACT.preprocessing, float32.input), activations.layers(float32)
    assert {schema.operator_name(float32.model, layer) for layer in layers} == set(schema.WEIGHTED)
    for layer in layers:
        inputs, read, written = Inputs(float32, layer), layer.inputs[0], []
        for values, outputs in activations.watch(float32, (read, layer.outputs[0]), real):
            inputs.add(values)
            written.append(outputs.reshape(-1, outputs.shape[-1]))
        weights = filters(float32, layer, activations.constants(float32, layer)[0]).astype(np.float64)
        expected = np.einsum("gfi,gij,gfj->gf", weights, inputs.covariance(), weights).reshape(-1)
        np.testing.assert_allclose(np.concatenate(written).var(0, dtype=np.float64), expected, rtol=1e-3)


def weights_of(file):
    return [activations.constants(file, layer)[0].astype(int) for layer in activations.layers(file)]


def test_weights_move_by_a_few_levels_and_scales_stay(float32):
    made = [
        parse(finish(quantized(float32, PIXELS, how), CONTRACT, {}), float32.path)
        for how in (Quantization(), Quantization(compensated=True))
    ]
    nearest, compensated = map(weights_of, made)
    moved = [abs(a - b).max() for a, b in zip(nearest, compensated, strict=True)]
    assert moved[4:6] == [0, 0], "shared weights stay"
    assert all(0 < each < 30 for each in (*moved[:4], moved[6]))
    first, second = (
        [np.array(t.quantization.scale).tolist() for t in file.graph.tensors if t.quantization] for file in made
    )
    assert first == second


@pytest.mark.slow
def test_wide_filters_keep_the_nearest_levels():
    nn = pytest.importorskip("torch").nn
    wide = converted(nn.Conv2d(3, 65, 1), nn.Flatten(), nn.Linear(65 * 64, 4))
    assert WIDEST < 65 * 64
    nearest, compensated = (
        weights_of(parse(finish(quantized(wide, PIXELS, how), CONTRACT, {}), wide.path))
        for how in (Quantization(), Quantization(compensated=True))
    )
    assert (nearest[1] == compensated[1]).all()
    assert (nearest[0] != compensated[0]).any()


@pytest.mark.slow
def test_other_pictures_err_less():
    float32 = read(registry.find("tiny-resnet:float32"))
    pixels = np.stack([picture(i, 32, 32, 3) for i in range(48)])
    errors = []
    for how in (Quantization(), Quantization(compensated=True)):
        made = quantized(float32, pixels[:32], how)
        int8 = parse(finish(made, float32.contract, {}), float32.path)
        assert not (weights_of(int8)[-1] % 2).any(), "the dense layer has the same bits on microcontrollers"
        found = activations.explain(int8, float32, pixels[32:])
        errors.append(np.mean([each.signal_to_noise for each in found]))
    assert errors[1] > errors[0] + 0.2  # dB
