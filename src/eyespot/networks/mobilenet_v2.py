"""MobileNetV2, width 1.

Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv:1801.04381, table 2.
"""

from __future__ import annotations

from torch import nn

from eyespot.networks.inverted_residual import InvertedResidualNetwork, Stage, Style
from eyespot.networks.layers import SameConv2d

STAGES = (
    Stage(1, 3, 16, 1, 1),
    Stage(6, 3, 24, 2, 2),
    Stage(6, 3, 32, 3, 2),
    Stage(6, 3, 64, 4, 2),
    Stage(6, 3, 96, 3, 1),
    Stage(6, 3, 160, 3, 2),
    Stage(6, 3, 320, 1, 1),
)
STYLE = Style(convolution=SameConv2d, activation=nn.ReLU6, epsilon=1e-3)


def mobilenet_v2(classes: int = 1000) -> InvertedResidualNetwork:
    """TF-slim's network. Its input is (pixel - 128) / 128."""
    return InvertedResidualNetwork(STAGES, STYLE, 32, classes)
