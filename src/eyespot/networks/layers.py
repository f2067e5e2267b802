"""Layers that convert to single TensorFlow Lite operators."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyespot.preprocessing.spec import Preprocessing

Layer: TypeAlias = nn.Conv2d | nn.Linear


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: ceil(size / stride) outputs, any odd pixel at the end.

    PyTorch's symmetric padding would leave a PAD operator before every strided convolution.
    """

    def forward(self, x: Tensor) -> Tensor:
        (top, bottom), (left, right) = map(same, x.shape[2:], self.kernel_size, self.stride)
        padding = (top, left)
        if padding != (bottom, right):
            x, padding = F.pad(x, (left, right, top, bottom)), (0, 0)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


def same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """The number of zeros before and after one dimension."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SymmetricConv2d(nn.Conv2d):
    """An odd kernel with PyTorch's padding, kernel // 2 zeros on each side, but no PAD operator.

    If an even size is halved, this padding is not SAME. A kernel with one more row and column of zeros
    at its end (3 to 4, 5 to 6) computes the same numbers, and its padding is SAME.
    """

    def forward(self, x: Tensor) -> Tensor:
        halved = zip(x.shape[2:], self.stride, strict=True)
        rows, columns = (int(stride == 2 and size % 2 == 0) for size, stride in halved)
        weight = F.pad(self.weight, (0, columns, 0, rows)) if rows or columns else self.weight
        padding = (self.kernel_size[0] // 2, self.kernel_size[1] // 2)
        return F.conv2d(x, weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Normalise(nn.Module):
    """(x - mean) / std per channel, as a 1x1 depthwise convolution, so that a network takes pixels.

    The constants are not trained, not counted as parameters and not stored in state dicts.
    """

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        scale = 1 / torch.tensor(std)
        self.register_buffer("weight", scale.reshape(-1, 1, 1, 1), persistent=False)
        self.register_buffer("bias", -torch.tensor(mean) * scale, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, groups=x.shape[1])


class PointwiseLinear(nn.Linear):
    """A dense layer over (n, c, 1, 1) that converts to a 1x1 CONV_2D, like TF-slim's last layers.

    As a CONV_2D its int8 weights may have one scale per class, which NXP's i.MX 93 delegate rejects for
    FULLY_CONNECTED. TFLM computes it exactly as LiteRT's reference kernels do.
    """

    def forward(self, x: Tensor) -> Tensor:
        return flatten(F.conv2d(x, self.weight[:, :, None, None], self.bias))


def to_real(batch: Tensor, spec: Preprocessing) -> Tensor:
    """Pixels 0..255, (n, c, h, w) float32, to network inputs, as `preprocessing.image` does for arrays."""
    mean, std = (batch.new_tensor(numbers)[:, None, None] for numbers in (spec.mean, spec.std))
    return (batch - mean) / std


def global_average(x: Tensor) -> Tensor:
    """(n, c, h, w) to (n, c, 1, 1). PyTorch's adaptive pooling would convert to MEAN; this does not."""
    return F.avg_pool2d(x, x.shape[2:])


def flatten(x: Tensor) -> Tensor:
    """(n, c, h, w) to (n, h*w*c) in channel-last order, so that no TRANSPOSE remains."""
    return x.permute(0, 2, 3, 1).flatten(1)


def layers_and_norms(network: nn.Module) -> list[tuple[Layer, nn.BatchNorm2d | None]]:
    """Each layer with its batch norm, if any. A network must create its modules in execution order."""
    pairs: list[tuple[Layer, nn.BatchNorm2d | None]] = []
    for module in network.modules():
        if isinstance(module, Layer):
            pairs.append((module, None))
        elif isinstance(module, nn.BatchNorm2d):
            pairs[-1] = (pairs[-1][0], module)
    return pairs


def placed(network: nn.Module, kinds: Any) -> list[tuple[nn.Module, str, Any]]:
    """(parent, name in the parent, module) for each module of these kinds, in order."""
    paths = [(path.rpartition("."), module) for path, module in network.named_modules()]
    return [(network.get_submodule(p), name, m) for (p, _, name), m in paths if isinstance(m, kinds)]


def initialise(network: nn.Module, seed: int) -> None:
    """Fill convolutions and dense layers with He-normal weights and zero biases, using only `seed`."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, Layer):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
