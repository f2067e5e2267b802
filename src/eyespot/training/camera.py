"""What a camera adds that photographs taken on a table lack: other backgrounds, and blur."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

CHROMA = 30.0  # largest less smallest channel; a gray background has less, skin more
EDGE = 5.0
PATCHES = 4  # per side; the colours between them are interpolated
SIGMA = (0.4, 1.5)  # of the blur, in pixels
RADIUS = 3


def backgrounds(n: int, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which of n images get another background, (n,), and the colours of its patches, (n, 3, PATCHES, PATCHES)."""
    hit = torch.rand(n, generator=generator) < share
    return hit, 255 * torch.rand(n, 3, PATCHES, PATCHES, generator=generator)


def recoloured(batch: Tensor, hit: Tensor, patches: Tensor) -> Tensor:
    """Put coloured patches in place of the gray of (n, 3, h, w) pixels 0..255."""
    colours = F.interpolate(patches, batch.shape[2:], mode="bilinear", align_corners=False)
    chroma = batch.amax(1, keepdim=True) - batch.amin(1, keepdim=True)
    kept = torch.sigmoid((chroma - CHROMA) / EDGE)
    return torch.where(hit[:, None, None, None], colours + kept * (batch - colours), batch)


def blurs(n: int, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which of n images are out of focus, (n,), and the sigma of each, (n, 1) in pixels."""
    hit, (low, high) = torch.rand(n, generator=generator) < share, SIGMA
    return hit, low + (high - low) * torch.rand(n, 1, generator=generator)


def blurred(batch: Tensor, hit: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur of (n, c, h, w), each image by its own sigma."""
    n, channels, height, width = batch.shape
    weights = torch.exp(-0.5 * (torch.arange(-RADIUS, RADIUS + 1) / sigma) ** 2)
    kernels = (weights / weights.sum(1, keepdim=True)).repeat_interleave(channels, 0)[:, None]
    padded = F.pad(batch.reshape(1, n * channels, height, width), [RADIUS] * 4, mode="reflect")
    rows = F.conv2d(padded, kernels[:, :, None], groups=n * channels)
    whole = F.conv2d(rows, kernels[..., None], groups=n * channels).reshape(batch.shape)
    return torch.where(hit[:, None, None, None], whole, batch)
