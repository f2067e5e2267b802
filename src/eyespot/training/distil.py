"""A teacher's answers, asked once for each view of the training images and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from eyespot.artifact import digest, write
from eyespot.cards import Input
from eyespot.training import augment
from eyespot.training.checkpoint import Run
from eyespot.training.loop import Track


def taught(
    teacher: nn.Module, images: Tensor, run: Run, taken: Input, folder: Path, track: Track
) -> Callable[[int], Tensor]:
    """A function from an epoch to the teacher's logits for its view of every image, (n, classes).

    Each view's are kept in `folder`, so that they are computed once, also for a run that is resumed.
    """
    key = digest(repr((run.data, run.seed, run.recipe.augmentation, run.recipe.teacher)).encode())[:12]
    teacher = teacher.to(memory_format=torch.channels_last).eval()
    asked = run.recipe.augmentation
    number_of_views = run.recipe.teacher.views if run.recipe.teacher else 1

    def answers(epoch: int) -> Tensor:
        number = epoch % number_of_views
        path = folder / f"answers-{key}-{number}.safetensors"
        if not path.exists():
            geometry = augment.placements(len(images), asked, taken, seed=run.seed, number=number)
            batches = torch.arange(len(images)).split(500)
            seen = (augment.ready(augment.view(images, chosen, geometry), taken) for chosen in batches)
            title = f"teacher, view {number + 1}"
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=run.recipe.bfloat16):
                logits = [_answer(teacher, x, flip=asked.flip) for x in track(seen, len(batches), title)]
            write(path, save({"logits": torch.cat(logits).half()}))
        return load_file(path)["logits"]

    return answers


def _answer(teacher: nn.Module, x: Tensor, *, flip: bool) -> Tensor:
    """Logits; where students see mirrored images, the mean over both, which is a better answer."""
    logits: Tensor = (teacher(x) + teacher(x.flip(3))) / 2 if flip else teacher(x)
    return logits
