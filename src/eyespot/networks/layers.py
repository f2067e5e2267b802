"""Layers that convert to single TensorFlow Lite operators."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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


def flatten(x: Tensor) -> Tensor:
    """(n, c, h, w) to (n, h*w*c), in the order of a channel-last tensor: no TRANSPOSE is left."""
    return x.permute(0, 2, 3, 1).flatten(1)


def count_parameters(network: nn.Module) -> int:
    """Parameters as Keras counts them: trainable ones and batch norm's running mean and variance."""
    statistics = [b for name, b in network.named_buffers() if not name.endswith("num_batches_tracked")]
    return sum(t.numel() for t in [*network.parameters(), *statistics])


def initialise(network: nn.Module, seed: int) -> None:
    """He-normal convolutions and dense layers, zero biases, from `seed` alone."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
