"""MobileNetV1: one convolution and thirteen depthwise separable ones.

Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications,
arXiv:1704.04861, table 1.
"""

from __future__ import annotations

from torch import Tensor, nn

from eyespot.networks.layers import PointwiseLinear, SameConv2d, global_average

EPSILON = 1e-3  # in TF-slim and in Keras
STEM = 32
CHANNELS = (64, 128, 128, 256, 256, *6 * (512,), 1024, 1024)
STRIDES = (1, 2, 1, 2, 1, 2, *5 * (1,), 2, 1)


class MobileNetV1(nn.Module):
    """Images (n, 3, h, w) to logits (n, classes). `width` scales the channels; `bias` adds conv biases."""

    def __init__(self, classes: int, width: float, activation: type[nn.Module], *, bias: bool) -> None:
        super().__init__()

        def layer(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
            convolution = SameConv2d(inputs, outputs, kernel, stride, groups=groups, bias=bias)
            return nn.Sequential(convolution, nn.BatchNorm2d(outputs, EPSILON), activation())

        channels = int(STEM * width)
        layers = [layer(3, channels, 3, 2)]
        for full, stride in zip(CHANNELS, STRIDES, strict=True):
            layers += [layer(channels, channels, 3, stride, channels), layer(channels, int(full * width), 1)]
            channels = int(full * width)
        self.layers = nn.Sequential(*layers)
        self.dense = PointwiseLinear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(global_average(self.layers(x)))


def tf_slim(classes: int = 1000) -> MobileNetV1:
    """TF-slim's network, width 0.25. Its input is (pixel - 128) / 128."""
    return MobileNetV1(classes, 0.25, nn.ReLU6, bias=False)


def visual_wake_word(classes: int = 2) -> MobileNetV1:
    """MLPerf Tiny's network, width 0.25. Its input is pixel / 255.

    Source: mlcommons/tiny, benchmark/training/visual_wake_words/vww_model.py. It uses plain ReLU and has
    biases before batch norm.
    """
    return MobileNetV1(classes, 0.25, nn.ReLU, bias=True)
