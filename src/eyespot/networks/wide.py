"""Teachers: plain, wide convolutional networks from which the students learn. They do not ship.

After Jordan, 94% on CIFAR-10 in 3.29 Seconds on a Single GPU (arXiv:2404.00498), section 3.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

STEM = 24


class Wide(nn.Module):
    """Images (n, channels, h, w) float32 to logits (n, classes).

    Each width is two convolutions and one pooling.
    """

    def __init__(self, channels: int, classes: int, widths: tuple[int, ...] = (64, 128, 256)) -> None:
        super().__init__()
        self.pixels = nn.BatchNorm2d(channels, affine=False)  # accepts any input range
        layers: list[nn.Module] = [nn.Conv2d(channels, STEM, 2), nn.BatchNorm2d(STEM), nn.ReLU()]
        in_channels = STEM
        for width in widths:
            layers += [nn.Conv2d(in_channels, width, 3, padding=1, bias=False), nn.MaxPool2d(2)]
            layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(width), nn.ReLU()]
            in_channels = width
        self.features = nn.Sequential(*layers)
        self.dense = nn.Linear(in_channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(self.pixels(x))
        return self.dense(F.max_pool2d(x, x.shape[2:]).flatten(1))


def four_stages(channels: int, classes: int) -> Wide:
    """For larger images. On 48 x 48 it costs what three stages cost on 32 x 32."""
    return Wide(channels, classes, (32, 64, 128, 256))
