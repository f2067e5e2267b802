"""Batches from a data set that lies in memory as one uint8 tensor, augmented by index arithmetic."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from eyespot.cards import Input, Recipe
from eyespot.image import to_real


def epoch_batches(
    images: Tensor, labels: Tensor, recipe: Recipe, taken: Input, *, seed: int, epoch: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of one epoch, (n, c, h, w) float32 in channels-last memory and labels.

    Order and augmentation depend on (seed, epoch) alone, so a resumed run sees what it would have seen.
    The last, smaller batch is left out, as the next epoch's order brings its images back.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    order = torch.randperm(len(images), generator=generator)
    for chosen in order.split(recipe.batch):
        if len(chosen) == recipe.batch or len(order) < recipe.batch:
            yield augment(images, chosen, recipe, taken, generator), labels[chosen]


def augment(
    images: Tensor, chosen: Tensor, recipe: Recipe, taken: Input, generator: torch.Generator
) -> Tensor:
    """Shift by up to `recipe.shift` pixels (mirrored at the border) and mirror half of the images."""
    height, width = images.shape[1:3]
    rows = _indices(height, len(chosen), recipe.shift, generator)
    columns = _indices(width, len(chosen), recipe.shift, generator)
    if recipe.flip:
        mirrored = torch.rand(len(chosen), generator=generator) < 0.5
        columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    batch = images[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]
    return tensor(batch, taken)


def tensor(batch: Tensor, taken: Input) -> Tensor:
    """(n, h, w, c) uint8 pixels to what the network takes, (n, c, h, w) float32 in channels-last memory."""
    real: Tensor = to_real(batch.float(), taken)
    return real.permute(0, 3, 1, 2)


def _indices(size: int, n: int, shift: int, generator: torch.Generator) -> Tensor:
    """For each of n images the source index of every row, (n, size), mirrored at both borders."""
    offsets = torch.randint(-shift, shift + 1, (n, 1), generator=generator)
    shifted = (torch.arange(size) + offsets).abs()
    return (size - 1) - ((size - 1) - shifted).abs()
