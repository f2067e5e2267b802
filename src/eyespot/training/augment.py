"""Batches from a data set that lies in memory as one uint8 tensor."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from eyespot.networks.layers import to_real
from eyespot.preprocessing.damage import jpeg
from eyespot.preprocessing.spec import Preprocessing
from eyespot.zoo.cards import Augmentation, Recipe

QUALITY = (50, 95)  # JPEG's, of augmented images


def epoch_batches(
    images: Tensor, recipe: Recipe, spec: Preprocessing, *, seed: int, epoch: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The indices and the images of each batch of an epoch, (n, c, h, w) float32 in channels-last memory.

    Order and augmentation depend on (seed, epoch) alone, so a resumed run sees what it would have seen.
    The last, smaller batch is left out, as the next epoch's order brings its images back.
    """
    generator = _random(seed, "order", epoch)
    order = torch.randperm(len(images), generator=generator)
    geometry = views(len(images), recipe, spec, seed=seed, epoch=epoch)
    for chosen in order.split(recipe.batch):
        if len(chosen) == recipe.batch or len(order) < recipe.batch:
            seen = damaged(view(images, chosen, geometry), recipe.augmentation, generator)
            yield chosen, ready(seen, spec)


def views(n: int, recipe: Recipe, spec: Preprocessing, *, seed: int, epoch: int) -> Tensor:
    """For each of n images the affine map of an epoch's view of it, (n, 2, 3) in units of half a side.

    With a teacher the placements come round again, so that it need be asked only once for each; mirrored
    or not is drawn anew, as it answers alike to both.
    """
    number = epoch % recipe.teacher.views if recipe.teacher else epoch
    geometry = placements(n, recipe.augmentation, spec, seed=seed, number=number)
    flips = torch.randint(0, 1 + recipe.augmentation.flip, (n, 1), generator=_random(seed, "mirror", epoch))
    geometry[:, :, 0] *= 1 - 2 * flips
    return geometry


def placements(n: int, asked: Augmentation, spec: Preprocessing, *, seed: int, number: int) -> Tensor:
    """Views that are moved, turned and zoomed, but not mirrored."""
    generator = _random(seed, "placement", number)
    angle = math.radians(asked.rotation) * _signed(n, generator)
    scale = 1 + asked.zoom * _signed(n, generator)
    right, down = torch.randint(-asked.shift, asked.shift + 1, (2, n), generator=generator)
    cos, sin = scale * torch.cos(angle), scale * torch.sin(angle)
    across = torch.stack([cos, -sin, 2 * right / spec.width], 1)
    along = torch.stack([sin, cos, 2 * down / spec.height], 1)
    return torch.stack([across, along], 1)


def view(images: Tensor, chosen: Tensor, geometry: Tensor) -> Tensor:
    """The chosen images as `geometry` sees them: (n, c, h, w) float32, pixels 0..255."""
    batch = images[chosen].permute(0, 3, 1, 2).float()
    grid = F.affine_grid(geometry[chosen], list(batch.shape), align_corners=False)
    return F.grid_sample(batch, grid, padding_mode="reflection", align_corners=False)


def damaged(batch: Tensor, asked: Augmentation, generator: torch.Generator) -> Tensor:
    """Exposure, cutout and JPEG on (n, c, h, w) pixels 0..255, in place where it can be."""
    n, _, height, width = batch.shape
    if asked.exposure:
        gain = 1 + asked.exposure * _signed(n, generator)
        batch = (batch * gain[:, None, None, None]).clamp_(0, 255)
    if asked.jpeg:
        hit = torch.rand(n, generator=generator) < asked.jpeg
        quality = torch.randint(*QUALITY, (n,), generator=generator)
        for i in hit.nonzero().flatten().tolist():
            pixels = batch[i].round().to(torch.uint8).permute(1, 2, 0).numpy()
            batch[i] = torch.tensor(jpeg(pixels, int(quality[i]))).permute(2, 0, 1)
    if asked.cutout:
        top = torch.randint(0, height, (n, 1, 1, 1), generator=generator)
        left = torch.randint(0, width, (n, 1, 1, 1), generator=generator)
        down = (torch.arange(height)[None, None, :, None] - top).abs() * 2 < asked.cutout
        across = (torch.arange(width)[None, None, None, :] - left).abs() * 2 < asked.cutout
        batch = batch.masked_fill(down & across, 128.0)
    return batch


def ready(batch: Tensor, spec: Preprocessing) -> Tensor:
    """(n, c, h, w) pixels 0..255 to what the network takes, float32 in channels-last memory."""
    real = to_real(batch.float(), spec)
    return real.contiguous(memory_format=torch.channels_last)


def _random(seed: int, purpose: Literal["order", "mirror", "placement"], number: int) -> torch.Generator:
    """Random numbers that depend on these three alone."""
    place = ("order", "mirror", "placement").index(purpose)
    return torch.Generator().manual_seed((3 * seed + place) * 1_000_003 + number)


def _signed(n: int, generator: torch.Generator) -> Tensor:
    """Uniform in -1..1."""
    return 2 * torch.rand(n, generator=generator) - 1
