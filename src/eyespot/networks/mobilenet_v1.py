"""MobileNetV1: a convolution and thirteen depthwise separable ones.

Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications,
arXiv:1704.04861, table 1.
"""

from __future__ import annotations

from torch import Tensor, nn

from eyespot.networks.layers import PointwiseLinear, SameConv2d, global_average

EPSILON = 1e-3  # TF-slim's and Keras's
STEM = 32
SEPARABLE = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *5 * ((512, 1),),
    (1024, 2),
    (1024, 1),
)


class MobileNetV1(nn.Module):
    """Images (n, 3, h, w) to logits (n, classes). `width` scales the channels; `bias` is of convolutions."""

    def __init__(self, classes: int, width: float, activation: type[nn.Module], *, bias: bool) -> None:
        super().__init__()

        def layer(spec: int, given: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
            convolution = SameConv2d(spec, given, kernel, stride, groups=groups, bias=bias)
            return nn.Sequential(convolution, nn.BatchNorm2d(given, EPSILON), activation())

        channels = int(STEM * width)
        layers = [layer(3, channels, 3, 2)]
        for full, stride in SEPARABLE:
            layers += [layer(channels, channels, 3, stride, channels), layer(channels, int(full * width), 1)]
            channels = int(full * width)
        self.layers = nn.Sequential(*layers)
        self.dense = PointwiseLinear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.dense(global_average(self.layers(x)))
        return logits


def tf_slim(classes: int = 1000) -> MobileNetV1:
    """TF-slim's of width 0.25, which takes (pixel - 128) / 128."""
    return MobileNetV1(classes, 0.25, nn.ReLU6, bias=False)


def visual_wake_word(classes: int = 2) -> MobileNetV1:
    """MLPerf Tiny's of width 0.25, which takes pixel / 255.

    Source: mlcommons/tiny, benchmark/training/visual_wake_words/vww_model.py: plain ReLU, and biases in
    front of batch norm.
    """
    return MobileNetV1(classes, 0.25, nn.ReLU, bias=True)
