"""The images that calibrate: evenly spread, none that is blank or held out for a test."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.data import catalogue
from eyespot.data.split import Split, data_digest, image_digest, is_blank, usable
from eyespot.errors import MissingDataError, RefusedError
from eyespot.preprocessing.image import fit
from eyespot.preprocessing.spec import Preprocessing
from eyespot.progress import track
from eyespot.zoo.cards import Dataset


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Images as the network takes them, (n, h, w, c) uint8, and digests of the originals."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    digests: tuple[bytes, ...]

    @property
    def digest(self) -> str:
        """Digest of the images and their labels in order."""
        return data_digest(self.labels, self.digests)


def choose_images(data: Dataset, split: Split, images: int, spec: Preprocessing) -> Calibration:
    """Choose `images` images of a split and read each once. RefusedError if none may calibrate."""
    held_out = _held_out(data, split)
    chosen = spread(split, images)
    pixels, digests, blank = [], [], set()
    for i, image in enumerate(track(map(split.read, chosen), len(chosen), "calibration images")):
        pixels.append(fit(image, spec))
        digests.append(image_digest(image))
        if is_blank(image):
            blank.add(i)
    kept, _ = usable(digests, blank, held_out)
    if not kept:
        raise RefusedError(f"{data.name}: no image may calibrate; all are blank or stand in other splits")
    return Calibration(
        pixels=np.stack([pixels[i] for i in kept]),
        labels=split.labels[[chosen[i] for i in kept]],
        digests=tuple(digests[i] for i in kept),
    )


def spread(split: Split, images: int) -> list[int]:
    """Indices of the images that calibrate: evenly spread over the split."""
    return [int(i) for i in np.linspace(0, len(split) - 1, min(images, len(split))).round()]


def _held_out(data: Dataset, split: Split) -> set[bytes]:
    """Digests of the images of the validation and test split, if they are at hand."""
    digests: set[bytes] = set()
    for name in sorted({"validation", "test", data.test} & data.splits.keys() - {split.name, "all"}):
        with contextlib.suppress(MissingDataError):
            other = catalogue.open_split(data, name)
            digests |= {image_digest(image) for image in track(other, len(other), f"compare with {name}")}
    return digests
