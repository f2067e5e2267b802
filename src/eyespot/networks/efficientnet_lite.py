"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation and with ReLU6 instead of swish.

Source: tensorflow/tpu, models/official/efficientnet/lite/efficientnet_lite_builder.py; Tan and Le,
EfficientNet, arXiv:1905.11946, table 1.
"""

from __future__ import annotations

from torch import nn

from eyespot.networks.inverted_residual import InvertedResidualNetwork, Stage, Style
from eyespot.networks.layers import SameConv2d

STAGES = (
    Stage(1, 3, 16, 1, 1),
    Stage(6, 3, 24, 2, 2),
    Stage(6, 5, 40, 2, 2),
    Stage(6, 3, 80, 3, 2),
    Stage(6, 5, 112, 3, 1),
    Stage(6, 5, 192, 4, 2),
    Stage(6, 3, 320, 1, 1),
)
STYLE = Style(convolution=SameConv2d, activation=nn.ReLU6, epsilon=1e-3)


def efficientnet_lite0(classes: int = 1000) -> InvertedResidualNetwork:
    """The network that TensorFlow's weights fit. Its input is (pixel - 127) / 128."""
    return InvertedResidualNetwork(STAGES, STYLE, 32, classes)
