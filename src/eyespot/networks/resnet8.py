"""MLPerf Tiny's image classification networks: a 3x3 convolution and three residual stages.

Source: mlcommons/tiny, benchmark/training/image_classification/keras_model.py (resnet_v1_eembc). The stages
have 16, 32 and 64 channels; those of the larger network, IC02, have 40, 80 and 160.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from eyespot.networks.layers import SameConv2d, flatten

EPSILON = 1e-3  # Keras's default for batch norm


class ResNet8(nn.Module):
    """Images (n, 3, 32, 32) float32, pixels 0..255, to logits (n, classes)."""

    def __init__(self, classes: int = 10, channels: int = 16) -> None:
        super().__init__()
        c = channels
        self.conv = SameConv2d(3, c, 3)
        self.norm = nn.BatchNorm2d(c, EPSILON)
        self.stages = nn.Sequential(Residual(c, c, 1), Residual(c, 2 * c, 2), Residual(2 * c, 4 * c, 2))
        self.dense = nn.Linear(4 * c, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(F.relu(self.norm(self.conv(x))))
        return self.dense(flatten(F.avg_pool2d(x, 8)))


def large(classes: int = 10) -> ResNet8:
    """MLPerf Tiny's IC02."""
    return ResNet8(classes, 40)


class Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut, which is a 1x1 convolution if the shape changes."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = SameConv2d(channels, out, 3, stride)
        self.norm1 = nn.BatchNorm2d(out, EPSILON)
        self.conv2 = SameConv2d(out, out, 3)
        self.norm2 = nn.BatchNorm2d(out, EPSILON)
        self.shortcut = nn.Identity() if channels == out else SameConv2d(channels, out, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))
