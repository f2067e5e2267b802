"""Networks of inverted residual blocks. MobileNetV2, MnasNet-A1 and EfficientNet-Lite are tables of them.

Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv:1801.04381. Modules are
named as in timm 1.0, so weights published for timm fit by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from eyespot.networks.layers import PointwiseLinear, global_average

HEAD = 1280


class Stage(NamedTuple):
    """`repeats` equal blocks; only the first changes the channels and has the stride.

    `expansion` is the number of hidden channels per input channel. `squeeze` is the width of
    squeeze-and-excitation as a share of the input channels; 0 means none.
    """

    expansion: int
    kernel: int
    channels: int
    repeats: int
    stride: int
    squeeze: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Style:
    """What a family of networks shares: padding, nonlinearity and epsilon of batch norm."""

    convolution: type[nn.Conv2d]
    activation: type[nn.Module]
    epsilon: float


class InvertedResidualNetwork(nn.Module):
    """Images (n, 3, h, w) to logits (n, classes). `front` normalises the images."""

    def __init__(
        self, stages: Sequence[Stage], style: Style, stem: int, classes: int, front: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.front = front or nn.Identity()
        self.conv_stem = style.convolution(3, stem, 3, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(stem, style.epsilon)
        inputs = [stem, *(stage.channels for stage in stages)]
        self.blocks = nn.Sequential(*(_stage(*pair, style) for pair in zip(inputs, stages, strict=False)))
        self.conv_head = style.convolution(inputs[-1], HEAD, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(HEAD, style.epsilon)
        self.classifier = PointwiseLinear(HEAD, classes)
        self.activation = style.activation()

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.bn1(self.conv_stem(self.front(x))))
        x = self.activation(self.bn2(self.conv_head(self.blocks(x))))
        logits: Tensor = self.classifier(global_average(x))
        return logits


def _stage(channels: int, stage: Stage, style: Style) -> nn.Sequential:
    """The blocks of a stage whose input has `channels` channels."""
    first, rest = stage, stage._replace(stride=1)
    kind = Separable if stage.expansion == 1 else InvertedResidual
    blocks = [
        kind(channels, first, style),
        *(kind(stage.channels, rest, style) for _ in range(stage.repeats - 1)),
    ]
    return nn.Sequential(*blocks)


class Separable(nn.Module):
    """The block without expansion: a depthwise convolution, then a linear 1x1 one."""

    def __init__(self, channels: int, stage: Stage, style: Style) -> None:
        super().__init__()
        self.conv_dw = style.convolution(
            channels, channels, stage.kernel, stage.stride, groups=channels, bias=False
        )
        self.bn1 = nn.BatchNorm2d(channels, style.epsilon)
        self.conv_pw = style.convolution(channels, stage.channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(stage.channels, style.epsilon)
        self.activation = style.activation()
        self.shortcut = stage.stride == 1 and channels == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn2(self.conv_pw(self.activation(self.bn1(self.conv_dw(x)))))
        return x + y if self.shortcut else y


class InvertedResidual(nn.Module):
    """Expand (1x1), filter (depthwise), project (linear 1x1); with a shortcut if the shapes match."""

    def __init__(self, channels: int, stage: Stage, style: Style) -> None:
        super().__init__()
        hidden = channels * stage.expansion
        self.conv_pw = style.convolution(channels, hidden, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden, style.epsilon)
        self.conv_dw = style.convolution(
            hidden, hidden, stage.kernel, stage.stride, groups=hidden, bias=False
        )
        self.bn2 = nn.BatchNorm2d(hidden, style.epsilon)
        self.se = SqueezeExcite(hidden, round(channels * stage.squeeze)) if stage.squeeze else nn.Identity()
        self.conv_pwl = style.convolution(hidden, stage.channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(stage.channels, style.epsilon)
        self.activation = style.activation()
        self.shortcut = stage.stride == 1 and channels == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.activation(self.bn1(self.conv_pw(x)))
        y = self.activation(self.bn2(self.conv_dw(y)))
        y = self.bn3(self.conv_pwl(self.se(y)))
        return x + y if self.shortcut else y


class SqueezeExcite(nn.Module):
    """Scale each channel by a function of all channel means (Hu et al., arXiv:1709.01507)."""

    def __init__(self, channels: int, reduced: int) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(channels, reduced, 1)
        self.conv_expand = nn.Conv2d(reduced, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.conv_expand(torch.relu(self.conv_reduce(global_average(x))))
        return x * torch.sigmoid(weights)
