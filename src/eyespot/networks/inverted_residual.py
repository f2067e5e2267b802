"""Networks of inverted residual blocks: MobileNetV2, EfficientNet-Lite0 to -Lite2 and MnasNet-A1.

Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv:1801.04381. Modules are
named as in timm 1.0, so weights published for timm fit by name.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

import torch
from torch import Tensor, nn

from eyespot.networks.layers import Normalise, PointwiseLinear, SameConv2d, SymmetricConv2d, global_average

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


class Style(NamedTuple):
    """What all blocks of a network share: padding, nonlinearity and epsilon of batch norm."""

    convolution: type[nn.Conv2d]
    activation: type[nn.Module]
    epsilon: float


TENSORFLOW = Style(SameConv2d, nn.ReLU6, 1e-3)
PYTORCH = Style(SymmetricConv2d, nn.ReLU, 1e-5)
TIMM = PYTORCH._replace(activation=nn.ReLU6)

# One row per stage: expansion, kernel, channels, repeats, stride, squeeze.
MOBILENET_V2 = (  # arXiv:1801.04381, table 2
    Stage(1, 3, 16, 1, 1),
    Stage(6, 3, 24, 2, 2),
    Stage(6, 3, 32, 3, 2),
    Stage(6, 3, 64, 4, 2),
    Stage(6, 3, 96, 3, 1),
    Stage(6, 3, 160, 3, 2),
    Stage(6, 3, 320, 1, 1),
)
EFFICIENTNET_B0 = (  # Tan and Le, EfficientNet, arXiv:1905.11946, table 1
    Stage(1, 3, 16, 1, 1),
    Stage(6, 3, 24, 2, 2),
    Stage(6, 5, 40, 2, 2),
    Stage(6, 3, 80, 3, 2),
    Stage(6, 5, 112, 3, 1),
    Stage(6, 5, 192, 4, 2),
    Stage(6, 3, 320, 1, 1),
)
MNASNET_A1 = (  # Tan et al., MnasNet, arXiv:1807.11626, figure 7; width 0.75, channels multiples of 8
    Stage(1, 3, 16, 1, 1),
    Stage(6, 3, 24, 2, 2),
    Stage(3, 5, 32, 3, 2, 0.25),
    Stage(6, 3, 64, 4, 2),
    Stage(6, 3, 88, 2, 1, 0.25),
    Stage(6, 5, 120, 3, 2, 0.25),
    Stage(6, 3, 240, 1, 1),
)
IMAGENET_MEAN = (123.675, 116.28, 103.53)  # red, green and blue in pixels, from torchvision
IMAGENET_STD = (58.395, 57.12, 57.375)


class InvertedResidualNetwork(nn.Module):
    """Images (n, 3, h, w) to logits (n, classes). `front` normalises the images."""

    def __init__(
        self, stages: tuple[Stage, ...], style: Style, stem: int, classes: int, front: nn.Module | None = None
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
        return self.classifier(global_average(x))


def mobilenet_v2(classes: int = 1000) -> InvertedResidualNetwork:
    """TF-slim's MobileNetV2, width 1. Its input is (pixel - 128) / 128."""
    return InvertedResidualNetwork(MOBILENET_V2, TENSORFLOW, 32, classes)


def efficientnet_lite0(classes: int = 1000) -> InvertedResidualNetwork:
    """TensorFlow's EfficientNet-Lite0. Its input is (pixel - 127) / 128, as that of -Lite1 and -Lite2.

    Source: tensorflow/tpu, models/official/efficientnet/lite/efficientnet_lite_builder.py. It is
    EfficientNet-B0 without squeeze-and-excitation and with ReLU6 instead of swish.
    """
    return InvertedResidualNetwork(EFFICIENTNET_B0, TENSORFLOW, 32, classes)


def efficientnet_lite1(classes: int = 1000) -> InvertedResidualNetwork:
    """TensorFlow's EfficientNet-Lite1: 1.1 times as deep as -Lite0."""
    return InvertedResidualNetwork(scaled(EFFICIENTNET_B0, 1.0, 1.1), TENSORFLOW, 32, classes)


def efficientnet_lite2(classes: int = 1000) -> InvertedResidualNetwork:
    """TensorFlow's EfficientNet-Lite2: 1.1 times as wide and 1.2 times as deep as -Lite0."""
    return InvertedResidualNetwork(scaled(EFFICIENTNET_B0, 1.1, 1.2), TENSORFLOW, 32, classes)


def scaled(stages: tuple[Stage, ...], width: float, depth: float) -> tuple[Stage, ...]:
    """Stages with `width` times the channels, as `multiple_of_8`, and `depth` times the blocks, rounded upwards.

    As in EfficientNet-Lite the first and the last stage keep their number of blocks (arXiv:1905.11946 scales all).
    """
    ends = {0, len(stages) - 1}
    return tuple(
        stage._replace(
            channels=multiple_of_8(width * stage.channels),
            repeats=stage.repeats if i in ends else ceil(depth * stage.repeats),
        )
        for i, stage in enumerate(stages)
    )


def multiple_of_8(channels: float) -> int:
    """The nearest multiple of 8, or the next if that is less than 90 %; at least 8."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 * (nearest < 0.9 * channels)


def semnasnet_075(classes: int = 1000) -> InvertedResidualNetwork:
    """MnasNet-A1 of timm, width 0.75. Its input is pixels; it normalises each channel itself."""
    front = Normalise(IMAGENET_MEAN, IMAGENET_STD)
    return InvertedResidualNetwork(MNASNET_A1, PYTORCH, 24, classes, front)


def mobilenet_v2_timm(classes: int = 1000) -> InvertedResidualNetwork:
    """MobileNetV2 of timm, mobilenetv2_100: symmetric padding. Its input is that of `mobilenet_v2`."""
    return InvertedResidualNetwork(MOBILENET_V2, TIMM, 32, classes, _from(128, 128))


def efficientnet_lite0_timm(classes: int = 1000) -> InvertedResidualNetwork:
    """EfficientNet-Lite0 as timm trained it: symmetric padding. Its input is that of `efficientnet_lite0`."""
    return InvertedResidualNetwork(EFFICIENTNET_B0, TIMM, 32, classes, _from(127, 128))


def _from(mean: float, std: float) -> Normalise:
    """From an input (pixel - mean) / std to ImageNet's normalisation of each channel."""
    means = tuple((each - mean) / std for each in IMAGENET_MEAN)
    return Normalise(means, tuple(each / std for each in IMAGENET_STD))


def _stage(channels: int, stage: Stage, style: Style) -> nn.Sequential:
    """The blocks of a stage whose input has `channels` channels."""
    block = Separable if stage.expansion == 1 else InvertedResidual
    rest = [block(stage.channels, stage._replace(stride=1), style) for _ in range(stage.repeats - 1)]
    return nn.Sequential(block(channels, stage, style), *rest)


class Separable(nn.Module):
    """The block without expansion: a depthwise convolution, then a linear 1x1 one."""

    def __init__(self, channels: int, stage: Stage, style: Style) -> None:
        super().__init__()
        convolution, kernel, stride = style.convolution, stage.kernel, stage.stride
        self.conv_dw = convolution(channels, channels, kernel, stride, groups=channels, bias=False)
        self.bn1 = nn.BatchNorm2d(channels, style.epsilon)
        self.conv_pw = convolution(channels, stage.channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(stage.channels, style.epsilon)
        self.activation = style.activation()
        self.shortcut = stage.stride == 1 and channels == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv_pw(self.activation(self.bn1(self.conv_dw(x)))))
        return x + y if self.shortcut else y


class InvertedResidual(nn.Module):
    """Expand (1x1), filter (depthwise), project (linear 1x1); with a shortcut if the shapes match."""

    def __init__(self, channels: int, stage: Stage, style: Style) -> None:
        super().__init__()
        convolution, hidden = style.convolution, channels * stage.expansion
        self.conv_pw = convolution(channels, hidden, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden, style.epsilon)
        self.conv_dw = convolution(hidden, hidden, stage.kernel, stage.stride, groups=hidden, bias=False)
        self.bn2 = nn.BatchNorm2d(hidden, style.epsilon)
        self.se = SqueezeExcite(hidden, round(channels * stage.squeeze)) if stage.squeeze else nn.Identity()
        self.conv_pwl = convolution(hidden, stage.channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(stage.channels, style.epsilon)
        self.activation = style.activation()
        self.shortcut = stage.stride == 1 and channels == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        y = self.activation(self.bn1(self.conv_pw(x)))
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
