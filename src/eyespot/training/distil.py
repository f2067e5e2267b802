"""A teacher's answers, asked once for each view of the training images and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from eyespot.artifacts.atomic import digest, write
from eyespot.progress import track
from eyespot.training import augment
from eyespot.training.checkpoint import Run, kept_tensors
from eyespot.training.loop import arithmetic
from eyespot.weights.state_dicts import to_safetensors


def taught(members: Sequence[nn.Module], images: Tensor, run: Run, folder: Path) -> Callable[[int], Tensor]:
    """A function from an epoch to the teacher's mean logits for its view of every image, (n, classes).

    Each placement's are kept in `folder`, so that they are computed once, also for a run that is resumed.
    """
    asked, lesson, spec = run.recipe.augmentation, run.recipe.teacher, run.preprocessing
    assert lesson is not None  # noqa: S101 (there is a teacher)
    members = [member.to(memory_format=torch.channels_last).eval() for member in members]
    seen_by = repr((run.data, run.seed, spec, asked)).encode()
    key = digest(seen_by + b"".join(map(to_safetensors, members)))

    def answers(epoch: int) -> Tensor:
        number = epoch % lesson.views
        path = folder / f"answers-{number}.safetensors"
        if kept := kept_tensors(path, key):
            return kept["logits"]
        geometry = augment.placements(len(images), asked, spec, seed=run.seed, number=number)
        batches = torch.arange(len(images)).split(500)
        seen = (augment.ready(augment.view(images, chosen, geometry), spec) for chosen in batches)
        title = f"teacher, view {number + 1} of {lesson.views}"
        with torch.inference_mode(), arithmetic(run.recipe):
            found = [_answer(members, x, flip=asked.flip) for x in track(seen, len(batches), title)]
        logits = torch.cat(found).half().clone()
        write(path, save({"logits": logits}, {"key": key}))
        return logits

    return answers


def _answer(members: Sequence[nn.Module], x: Tensor, *, flip: bool) -> Tensor:
    """The members' mean logits; where students see mirrored images, over both, which is a better answer."""
    seen = (x, x.flip(3)) if flip else (x,)
    return torch.stack([member(side) for member in members for side in seen]).mean(0)
