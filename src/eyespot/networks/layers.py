"""Layers that convert to single TensorFlow Lite operators."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyespot.networks.parameters import shapes
from eyespot.preprocessing.spec import Preprocessing


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: ceil(size / stride) outputs, the odd pixel at the end.

    Torch's own symmetric padding would leave a PAD operator in front of every strided convolution.
    """

    def forward(self, x: Tensor) -> Tensor:
        height, width = (
            _same(size, kernel, stride)
            for size, kernel, stride in zip(x.shape[2:], self.kernel_size, self.stride, strict=True)
        )
        if height[0] == height[1] and width[0] == width[1]:
            padding = (height[0], width[0])
            return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
        x = F.pad(x, (*width, *height))
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after one dimension."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SymmetricConv2d(nn.Conv2d):
    """An odd kernel with kernel // 2 zeros on all four sides, as PyTorch pads, and no PAD operator.

    Where an even size is halved this is not SAME. A kernel with a zero row and column more at its end
    (3 to 4, 5 to 6) gives the same numbers, and for that one the padding is SAME.
    """

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = (
            int(stride == 2 and size % 2 == 0) for size, stride in zip(x.shape[2:], self.stride, strict=True)
        )
        weight = F.pad(self.weight, (0, columns, 0, rows)) if rows or columns else self.weight
        padding = (self.kernel_size[0] // 2, self.kernel_size[1] // 2)
        return F.conv2d(x, weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Normalise(nn.Module):
    """(x - mean) / std of each channel, as a 1x1 depthwise convolution in front of a network.

    So the network takes pixels. What is fixed is neither trained, counted as parameters nor stored.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        scale = 1 / torch.tensor(std)
        self.register_buffer("weight", scale.reshape(-1, 1, 1, 1), persistent=False)
        self.register_buffer("bias", -torch.tensor(mean) * scale, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, groups=x.shape[1])


class PointwiseLinear(nn.Linear):
    """A dense layer over (n, c, 1, 1) that converts to a 1x1 CONV_2D, as TF-slim's last layers are.

    Its int8 weights then have a scale for each class, which NXP's i.MX 93 delegate refuses in
    FULLY_CONNECTED, and TFLM computes it exactly as LiteRT's reference kernels do.
    """

    def forward(self, x: Tensor) -> Tensor:
        return flatten(F.conv2d(x, self.weight[:, :, None, None], self.bias))


def to_real(batch: Tensor, spec: Preprocessing) -> Tensor:
    """Pixels 0..255, (n, c, h, w) float32, to what a network takes, as arrays in `preprocessing.image`."""
    mean, std = (batch.new_tensor(numbers)[:, None, None] for numbers in (spec.mean, spec.std))
    return (batch - mean) / std


def global_average(x: Tensor) -> Tensor:
    """(n, c, h, w) to (n, c, 1, 1). The size is static: torch's adaptive pooling would become MEAN."""
    return F.avg_pool2d(x, x.shape[2:])


def flatten(x: Tensor) -> Tensor:
    """(n, c, h, w) to (n, h*w*c), in the order of a channel-last tensor: no TRANSPOSE is left."""
    return x.permute(0, 2, 3, 1).flatten(1)


def layers_and_norms(network: nn.Module) -> list[tuple[nn.Conv2d | nn.Linear, nn.BatchNorm2d | None]]:
    """Each layer and the batch norm behind it. Our networks make their modules in order of execution."""
    found: list[tuple[nn.Conv2d | nn.Linear, nn.BatchNorm2d | None]] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            found.append((module, None))
        elif isinstance(module, nn.BatchNorm2d):
            found[-1] = (found[-1][0], module)
    return found


def placed(network: nn.Module, kinds: Any) -> list[tuple[nn.Module, str, Any]]:
    """The modules of these kinds in order, each behind the module that it is in and its name there."""
    found = [(path.rpartition("."), module) for path, module in network.named_modules()]
    return [(network.get_submodule(p), name, m) for (p, _, name), m in found if isinstance(m, kinds)]


def count_parameters(network: nn.Module) -> int:
    """Parameters as Keras counts them: trainable ones and batch norm's running mean and variance."""
    return sum(torch.Size(shape).numel() for shape in shapes(network).values())


def initialise(network: nn.Module, seed: int) -> None:
    """He-normal convolutions and dense layers, zero biases, from `seed` alone."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
