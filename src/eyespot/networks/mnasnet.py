"""MnasNet-A1, width 0.75, with squeeze-and-excitation.

Tan et al., MnasNet: Platform-Aware Neural Architecture Search for Mobile, arXiv:1807.11626, figure 7;
timm's `semnasnet_075`: channels are multiples of 8, padding is symmetric.
"""

from __future__ import annotations

from torch import nn

from eyespot.networks.inverted_residual import InvertedResidualNetwork, Stage, Style
from eyespot.networks.layers import Normalise, SymmetricConv2d

STAGES = (
    Stage(1, 3, 16, 1, 1),
    Stage(6, 3, 24, 2, 2),
    Stage(3, 5, 32, 3, 2, squeeze=0.25),
    Stage(6, 3, 64, 4, 2),
    Stage(6, 3, 88, 2, 1, squeeze=0.25),
    Stage(6, 5, 120, 3, 2, squeeze=0.25),
    Stage(6, 3, 240, 1, 1),
)
STYLE = Style(convolution=SymmetricConv2d, activation=nn.ReLU, epsilon=1e-5)
MEAN = (123.675, 116.28, 103.53)  # ImageNet's red, green and blue in pixels, from torchvision
STD = (58.395, 57.12, 57.375)


def semnasnet_075(classes: int = 1000) -> InvertedResidualNetwork:
    """The network that timm's weights fit. Its input is pixels; it normalises each channel itself."""
    return InvertedResidualNetwork(STAGES, STYLE, 24, classes, Normalise(MEAN, STD))
