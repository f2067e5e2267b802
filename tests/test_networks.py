"""Every network against its card: parameters, shapes, operators and operations of the converted file."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bars import FORBIDDEN, SIZES
from eyespot.conversion.clean import finish, repair
from eyespot.conversion.pytorch import to_tflite
from eyespot.devices import device
from eyespot.devices.compilers import run_vela
from eyespot.networks.inverted_residual import EFFICIENTNET_B0, multiple_of_8, scaled
from eyespot.networks.layers import (
    Normalise,
    SameConv2d,
    SymmetricConv2d,
    flatten,
    initialise,
)
from eyespot.preprocessing.spec import Contract, Preprocessing
from eyespot.quantization.activations import observe
from eyespot.quantization.ranges import choose, quantize_static
from eyespot.tflite.read import File, read
from eyespot.tflite.run import levels, open_runner
from eyespot.weights.stand_in import fill_stand_in
from eyespot.zoo import registry
from eyespot.zoo.cards import Model
from eyespot.zoo.models import MODELS
from tiny_network import count_parameters

OPERATORS = {
    "ADD",
    "AVERAGE_POOL_2D",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "LOGISTIC",
    "MAX_POOL_2D",
    "MUL",
    "RESHAPE",
    "SOFTMAX",
}
GEOMETRIES = list(product((7, 8, 9, 12), (1, 3, 5), (1, 2)))

each_model = pytest.mark.parametrize("card", MODELS, ids=lambda card: card.name)
each_geometry = pytest.mark.parametrize(("size", "kernel", "stride"), GEOMETRIES)


def network_of(card: Model) -> nn.Module:
    network = registry.imported(card.network)()
    initialise(network, 0)
    return network.eval()


def random_pixels(card: Model, n: int) -> torch.Tensor:
    spec = card.preprocessing
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(256, (n, spec.channels, spec.height, spec.width), generator=generator)
    return (pixels - spec.mean[0]) / spec.std[0]


@each_model
def test_parameters_are_the_cards(card: Model) -> None:
    classes = len(registry.dataset(card.data).classes)
    assert count_parameters(registry.imported(card.network)(classes)) == card.parameters


@pytest.mark.slow
@each_model
def test_any_number_of_classes(card: Model) -> None:
    network = registry.imported(card.network)(5).eval()
    with torch.no_grad():
        assert network(random_pixels(card, 2)).shape == (2, 5)


def test_stages_are_scaled_as_efficientnet_lite2() -> None:
    stages = scaled(EFFICIENTNET_B0, 1.1, 1.2)
    assert [stage.channels for stage in stages] == [16, 24, 48, 88, 120, 208, 352]
    assert [stage.repeats for stage in stages] == [1, 3, 3, 4, 4, 5, 1]
    assert (multiple_of_8(11), multiple_of_8(3), multiple_of_8(12)) == (16, 8, 16)


def same_in_numpy(x: np.ndarray, w: np.ndarray, stride: int) -> np.ndarray:
    """TensorFlow's SAME, out of its definition: output i starts at i * stride - total // 2."""
    size, kernel = len(x), len(w)
    outputs = -(-size // stride)
    before = max((outputs - 1) * stride + kernel - size, 0) // 2
    y = np.zeros((outputs, outputs))
    for i, j, m, n in product(range(outputs), range(outputs), range(kernel), range(kernel)):
        row, column = i * stride + m - before, j * stride + n - before
        if 0 <= row < size and 0 <= column < size:
            y[i, j] += x[row, column] * w[m, n]
    return y


@each_geometry
def test_same_padding_is_tensorflows(size: int, kernel: int, stride: int) -> None:
    layer = SameConv2d(1, 1, kernel, stride, bias=False)
    x = torch.rand(1, 1, size, size)
    with torch.no_grad():
        found = layer(x)[0, 0].numpy()
        expected = same_in_numpy(x[0, 0].numpy(), layer.weight[0, 0].numpy(), stride)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@each_geometry
def test_symmetric_padding_is_torchs(size: int, kernel: int, stride: int) -> None:
    ours = SymmetricConv2d(2, 3, kernel, stride)
    theirs = nn.Conv2d(2, 3, kernel, stride, kernel // 2)
    theirs.load_state_dict(ours.state_dict())
    x = torch.rand(1, 2, size, size + 1)
    torch.testing.assert_close(ours(x), theirs(x))


def test_normalise_is_exact_and_no_part_of_the_state() -> None:
    mean, std = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    layer = Normalise(mean, std)
    x = torch.randint(256, (2, 3, 4, 4)).float()
    expected = (x - torch.tensor(mean).reshape(3, 1, 1)) / torch.tensor(std).reshape(3, 1, 1)
    torch.testing.assert_close(layer(x), expected)
    assert (dict(layer.state_dict()), count_parameters(layer)) == ({}, 0)


def test_flatten_is_channel_last() -> None:
    x = torch.arange(12).reshape(1, 3, 2, 2)
    assert flatten(x).tolist() == [[0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]]


def test_initialise_depends_on_the_seed_alone() -> None:
    first, again, other = (nn.Linear(3, 4) for _ in range(3))
    for network, seed in ((first, 1), (again, 1), (other, 2)):
        initialise(network, seed)
    assert torch.equal(first.weight, again.weight)
    assert not torch.equal(first.weight, other.weight)


def test_a_stand_in_tells_images_apart() -> None:
    network = registry.imported(registry.model("mobilenet-v1").network)()
    fill_stand_in(network, Preprocessing(height=64, width=64))
    with torch.no_grad():
        logits = network(255 * torch.rand(4, 3, 64, 64))
    assert logits.isfinite().all()
    assert logits.std() > 1
    assert (logits[0] - logits[1]).abs().max() > 0.1


@pytest.mark.slow
@each_model
def test_converted(card: Model, tmp_path: Path) -> None:
    network = network_of(card)
    x = random_pixels(card, 1)
    with torch.no_grad():
        expected = network(x).softmax(-1)[0].numpy()
    names = tuple(f"class number {i}" for i in range(len(expected)))
    path = tmp_path / "float32.tflite"
    path.write_bytes(
        finish(
            repair(to_tflite(network, card.preprocessing)),
            Contract(model=card.name, preprocessing=card.preprocessing, classes=names),
            {},
        )
    )
    file = read(path)
    assert set(file.operators) <= OPERATORS
    assert file.operations == pytest.approx(card.operations, rel=0.05)
    assert len(file.data) <= SIZES[card.name][0]
    found = open_runner(file, "xnnpack")(x[0].permute(1, 2, 0).numpy())
    np.testing.assert_allclose(found, expected, atol=1e-5)
    _check_int8(card, file, x)


def _check_int8(card: Model, float32: File, x: torch.Tensor) -> None:
    """Its int8 file has the same operators, all of which vela puts on the NPU, and nothing outside."""
    pixels = np.stack([x[0].permute(1, 2, 0).numpy()])
    extremes, _ = observe(float32, pixels)
    made = quantize_static(float32.data, choose(float32.input.name, card.preprocessing, "minmax", extremes, []))
    path = float32.path.with_name("int8.tflite")
    path.write_bytes(finish(repair(made), float32.contract, {}))
    file = read(path)
    assert file.operators == float32.operators
    assert not set(file.operators) & FORBIDDEN
    assert file.external_buffers == 0
    assert levels(card.preprocessing, file.input).tolist() == list(range(-128, 128))
    assert len(file.data) <= SIZES[card.name][1]
    assert run_vela(file, device("imx93").compiler).facts["cpu"] == 0
