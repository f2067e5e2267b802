"""Batches from a data set in memory, one uint8 tensor."""

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
from eyespot.training import ranks
from eyespot.training.camera import backgrounds, blurred, blurs, recoloured
from eyespot.training.data import Images
from eyespot.zoo.cards import Augmentation, Recipe

QUALITY = (50, 95)  # range of JPEG qualities


def epoch_batches(
    images: Images, recipe: Recipe, spec: Preprocessing, *, seed: int, epoch: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The indices of each batch of an epoch, and the images of this process's part of it, as `ready` makes them.

    Order and augmentation depend on (seed, epoch) alone, so that runs resume exactly, in any number of
    processes. A last, smaller batch is left out; the next epoch has another order.
    """
    generator = _random(seed, "order", epoch)
    order = torch.randperm(len(images), generator=generator)
    geometry = views(len(images), recipe, spec, seed=seed, epoch=epoch)
    for indices in order.split(recipe.batch):
        if len(indices) == recipe.batch or len(order) < recipe.batch:
            batch = view(images, indices[ranks.part()], geometry)
            yield indices, ready(damaged(batch, recipe.augmentation, generator, len(indices)), spec)


def views(n: int, recipe: Recipe, spec: Preprocessing, *, seed: int, epoch: int) -> Tensor:
    """For each of n images the affine map of an epoch's view, (n, 2, 3) in units of half a side.

    With a teacher the placements repeat, so that it classifies each only once. Mirroring is drawn anew,
    because the teacher's answer is the same for both.
    """
    number = epoch % recipe.teacher.views if recipe.teacher else epoch
    geometry = placements(n, recipe.augmentation, spec, seed=seed, number=number)
    flips = torch.randint(0, 1 + recipe.augmentation.flip, (n, 1), generator=_random(seed, "mirror", epoch))
    geometry[:, :, 0] *= 1 - 2 * flips
    return geometry


def placements(n: int, how: Augmentation, spec: Preprocessing, *, seed: int, number: int) -> Tensor:
    """Affine maps as of `views` that shift, rotate and zoom, but do not mirror."""
    generator = _random(seed, "placement", number)
    angle = math.radians(how.rotation) * _signed(n, generator)
    scale = 1 + how.zoom * _signed(n, generator)
    right, down = torch.randint(-how.shift, how.shift + 1, (2, n), generator=generator)
    cos, sin = scale * torch.cos(angle), scale * torch.sin(angle)
    across = torch.stack([cos, -sin, 2 * right / spec.width], 1)
    along = torch.stack([sin, cos, 2 * down / spec.height], 1)
    return torch.stack([across, along], 1)


def view(images: Images, indices: Tensor, geometry: Tensor) -> Tensor:
    """The images at `indices`, transformed by `geometry`: (n, c, h, w) float32, pixels 0..255."""
    batch = images[indices].permute(0, 3, 1, 2).float()
    grid = F.affine_grid(geometry[indices], list(batch.shape), align_corners=False)
    return F.grid_sample(batch, grid, padding_mode="reflection", align_corners=False)


def damaged(batch: Tensor, how: Augmentation, generator: torch.Generator, whole: int | None = None) -> Tensor:
    """Background, blur, exposure, JPEG and cutout on (n, c, h, w) pixels 0..255; may change `batch` itself.

    It is the part of this process of a `whole` batch, for which random numbers are drawn.
    """
    _, _, height, width = batch.shape
    n, part = whole or len(batch), ranks.part()
    if how.background:
        hit, patches = backgrounds(n, how.background, generator)
        batch = recoloured(batch, hit[part], patches[part])
    if how.blur:
        hit, sigma = blurs(n, how.blur, generator)
        batch = blurred(batch, hit[part], sigma[part])
    if how.exposure:
        gain = 1 + how.exposure * _signed(n, generator)[part]
        batch = (batch * gain[:, None, None, None]).clamp_(0, 255)
    if how.jpeg:
        hit = (torch.rand(n, generator=generator) < how.jpeg)[part]
        quality = torch.randint(*QUALITY, (n,), generator=generator)[part]
        for i in hit.nonzero().flatten().tolist():
            pixels = batch[i].round().to(torch.uint8).permute(1, 2, 0).numpy()
            batch[i] = torch.tensor(jpeg(pixels, int(quality[i]))).permute(2, 0, 1)
    if how.cutout:
        top = torch.randint(0, height, (n, 1, 1, 1), generator=generator)[part]
        left = torch.randint(0, width, (n, 1, 1, 1), generator=generator)[part]
        down = (torch.arange(height)[None, None, :, None] - top).abs() * 2 < how.cutout
        across = (torch.arange(width)[None, None, None, :] - left).abs() * 2 < how.cutout
        batch = batch.masked_fill(down & across, 128.0)
    return batch


def ready(batch: Tensor, spec: Preprocessing) -> Tensor:
    """(n, c, h, w) pixels 0..255 to the network's input, float32 in channels-last memory."""
    return to_real(batch.float(), spec).contiguous(memory_format=torch.channels_last)


def _random(seed: int, purpose: Literal["order", "mirror", "placement"], number: int) -> torch.Generator:
    """A generator that depends on these three alone."""
    place = ("order", "mirror", "placement").index(purpose)
    return torch.Generator().manual_seed((3 * seed + place) * 1_000_003 + number)


def _signed(n: int, generator: torch.Generator) -> Tensor:
    """Uniform in -1..1."""
    return 2 * torch.rand(n, generator=generator) - 1
