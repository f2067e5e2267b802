"""Generated pictures as a user's folder."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from eyespot.preprocessing.synthetic import CLASSES, picture


def write_folder(folder: Path, images: int, *, seed: int = 0) -> None:
    """Write `images` pictures as PNG files, in one folder per class."""
    for index in range(images):
        target = folder / CLASSES[index % len(CLASSES)] / f"{index:05}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(index, 32, 32, 3, seed)).save(target)
