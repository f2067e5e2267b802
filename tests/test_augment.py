"""What training images go through."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from eyespot.preprocessing.synthetic import picture  # noqa: E402
from eyespot.training import augment  # noqa: E402
from eyespot.zoo import registry  # noqa: E402
from eyespot.zoo.cards import Augmentation  # noqa: E402

CARD = registry.model("tiny-resnet")
RECIPE = replace(CARD.recipe, batch=16, teacher=None)
STILL = replace(RECIPE, augmentation=Augmentation())


@pytest.fixture(scope="module")
def images():
    return torch.from_numpy(np.stack([picture(i, 32, 32, 3) for i in range(64)]))


def seen(images, asked, *, seed=0, epoch=0):
    """All images through the geometry of an epoch, (n, h, w, c)."""
    geometry = augment.views(
        len(images), replace(RECIPE, augmentation=asked), CARD.preprocessing, seed=seed, epoch=epoch
    )
    return augment.view(images, torch.arange(len(images)), geometry).permute(0, 2, 3, 1)


def damaged(images, asked):
    batch = images.permute(0, 3, 1, 2).float()
    return augment.damaged(batch, asked, torch.Generator().manual_seed(0)).permute(0, 2, 3, 1)


def test_without_augmentation_it_is_the_image(images):
    for chosen, batch in augment.epoch_batches(images, STILL, CARD.preprocessing, seed=0, epoch=0):
        assert torch.equal(batch.permute(0, 2, 3, 1).round().to(torch.uint8), images[chosen])
        assert batch.is_contiguous(memory_format=torch.channels_last)


def test_shifts_are_whole_pixels_and_mirrored_at_the_border(images):
    row = torch.arange(32, dtype=torch.uint8).repeat(500, 32, 1)[..., None].repeat(1, 1, 1, 3)
    found = {tuple(each[0, :, 0].round().int().tolist()) for each in seen(row, Augmentation(shift=3))}
    right, left = (2, 1, 0, *range(29)), (*range(3, 32), 31, 30, 29)
    assert {right, left} <= found
    assert len(found) == 7


def test_half_of_the_images_are_mirrored(images):
    found = seen(images, Augmentation(flip=True)).round().to(torch.uint8)
    mirrored = [torch.equal(each, image.flip(1)) for each, image in zip(found, images, strict=True)]
    straight = [torch.equal(each, image) for each, image in zip(found, images, strict=True)]
    assert 10 < sum(mirrored) < 54
    assert all(one or other for one, other in zip(mirrored, straight, strict=True))


def test_rotation_and_zoom_keep_the_middle():
    dot = torch.zeros(200, 33, 33, 1, dtype=torch.uint8)
    dot[:, 12:21, 12:21] = 255
    turned = seen(dot, Augmentation(rotation=20.0, zoom=0.2))
    assert (turned[:, 16, 16] > 250).all()
    sums = turned.sum((1, 2, 3)) / 255
    assert sums.min() > 0.8**2 * 81 * 0.8
    assert sums.max() < 81 / 0.8**2 * 1.2
    assert sums.std() > 5


def test_placements_come_round_again_with_a_teacher_and_mirrors_do_not():
    asked = replace(CARD.recipe, teacher=replace(CARD.recipe.teacher, views=3))
    views = [augment.views(100, asked, CARD.preprocessing, seed=0, epoch=epoch) for epoch in range(6)]
    assert all(torch.equal(views[i][:, :, 2], views[i + 3][:, :, 2]) for i in range(3))
    assert not torch.equal(views[0][:, :, 2], views[1][:, :, 2])
    assert not torch.equal(views[0][:, 0, 0], views[3][:, 0, 0])


def test_a_mirrored_view_is_the_placed_image_mirrored(images):
    """As the teacher's answer is the mean over both, the student may be shown either."""
    asked = replace(RECIPE, augmentation=Augmentation(shift=4, flip=True, rotation=15.0, zoom=0.1))
    placed = augment.placements(64, asked.augmentation, CARD.preprocessing, seed=0, number=5)
    straight = augment.view(images, torch.arange(64), placed)
    shown = augment.view(images, torch.arange(64), augment.views(64, asked, CARD.preprocessing, seed=0, epoch=5))
    same = [torch.allclose(a, b, atol=0.01) for a, b in zip(shown, straight, strict=True)]
    mirrored = [torch.allclose(a, b.flip(2), atol=0.01) for a, b in zip(shown, straight, strict=True)]
    assert all(a or b for a, b in zip(same, mirrored, strict=True))
    assert 10 < sum(mirrored) < 54


def test_jpeg_hits_its_share_and_looks_alike(images):
    found = damaged(images, Augmentation(jpeg=0.5))
    change = (found - images).abs().mean((1, 2, 3))
    assert 16 < int((change > 0).sum()) < 48
    assert change.max() < 25


def test_exposure_scales_each_image(images):
    gray = torch.full((200, 8, 8, 3), 100, dtype=torch.uint8)
    means = damaged(gray, Augmentation(exposure=0.2)).mean((1, 2, 3))
    assert 79 < means.min() < 85
    assert 115 < means.max() < 121


def test_cutout_grays_a_square():
    black = torch.zeros(200, 32, 32, 3, dtype=torch.uint8)
    gray = (damaged(black, Augmentation(cutout=8)) == 128).all(3).sum((1, 2))
    assert gray.max() == 49  # centre and three pixels either side
    assert gray.min() >= 16  # at a corner


def test_an_epoch_sees_every_image_once(images):
    chosen = [each for each, _ in augment.epoch_batches(images, RECIPE, CARD.preprocessing, seed=0, epoch=0)]
    assert sorted(torch.cat(chosen).tolist()) == list(range(64))


def test_order_and_augmentation_depend_on_seed_and_epoch(images):
    def epoch(**where):
        chosen, batches = zip(*augment.epoch_batches(images, RECIPE, CARD.preprocessing, **where), strict=True)
        return torch.cat(chosen), torch.cat(batches)

    order, batch = epoch(seed=0, epoch=0)
    again, same = epoch(seed=0, epoch=0)
    assert torch.equal(order, again)
    assert torch.equal(batch, same)
    for where in ({"seed": 0, "epoch": 1}, {"seed": 1, "epoch": 0}):
        assert not torch.equal(epoch(**where)[0], order)
