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
    number_of_views = run.recipe.teacher.views if run.recipe.teacher else 1

    def answers(epoch: int) -> Tensor:
        number = epoch % number_of_views
        path = folder / f"answers-{key}-{number}.safetensors"
        if not path.exists():
            geometry = augment.views(len(images), run.recipe, taken, seed=run.seed, epoch=number)
            batches = torch.arange(len(images)).split(500)
            asked = (augment.view(images, chosen, geometry) for chosen in batches)
            title = f"teacher, view {number + 1}"
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=run.recipe.bfloat16):
                logits = [teacher(augment.ready(x, taken)) for x in track(asked, len(batches), title)]
            write(path, save({"logits": torch.cat(logits).half()}))
        return load_file(path)["logits"]

    return answers
