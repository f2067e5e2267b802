"""What `inspect` finds of what was planted in 5 x 200 pictures of CIFAR-10's training part.

python benchmarks/planted.py [MODEL [FIRST_SEED [SEEDS]]]   $EYESPOT_DATA names the data

Planted for each seed: 50 exact copies (as BMP), 20 near copies
(10 as JPEG of quality 75, 10 resized by 5 %, smaller and larger in turn, as PNG), 15 labels changed at random.
tiny-resnet was trained on these pictures, so use another MODEL; mobilenet-v2 by default. The constants of
`data.inspection.labels` were chosen on seeds 0 to 9.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from eyespot import Inspection, inspect
from eyespot.data import catalogue

CLASSES = ("airplane", "automobile", "bird", "cat", "deer")
IMAGES, EXACT, NEAR, WRONG = 200, 50, 20, 15

Pairs = set[frozenset[str]]


def plant(folder: Path, seed: int) -> tuple[Pairs, Pairs, set[str]]:
    """Write the pictures to `folder`; the pairs of exact and of near copies, and the files with wrong labels."""
    rng = np.random.default_rng(seed)
    split = catalogue.open_split(catalogue.dataset("cifar-10"), "train")
    chosen = [rng.choice((split.labels == label).nonzero()[0], IMAGES, replace=False) for label in range(len(CLASSES))]
    labels = np.repeat(np.arange(len(CLASSES)), IMAGES)
    changed, copied, similar = np.split(rng.permutation(len(labels))[: WRONG + EXACT + NEAR], [WRONG, WRONG + EXACT])
    shift = rng.integers(1, len(CLASSES), WRONG)
    given = labels.copy()
    given[changed] = (labels[changed] + shift) % len(CLASSES)
    files = [f"{CLASSES[label]}/{i:04}.png" for i, label in enumerate(given)]
    pictures = [Image.fromarray(split.read(int(i))) for i in np.concatenate(chosen)]
    for file, picture in zip(files, pictures, strict=True):
        _save(picture, folder / file)
    exact = {_copy(folder, files[i], f"again{place}.bmp", pictures[i]) for place, i in enumerate(copied)}
    near = set()
    for place, i in enumerate(similar):
        size = 32 if place < NEAR // 2 else (30, 34)[place % 2]
        name = f"like{place}.{'jpg' if size == 32 else 'png'}"
        near.add(_copy(folder, files[i], name, pictures[i].resize((size, size), Image.Resampling.BICUBIC)))
    return exact, near, {files[i] for i in changed}


def _copy(folder: Path, file: str, name: str, picture: Image.Image) -> frozenset[str]:
    copy = f"{file.partition('/')[0]}/{name}"
    _save(picture, folder / copy)
    return frozenset((file, copy))


def _save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=75) if path.suffix == ".jpg" else picture.save(path)


def found(inspection: Inspection, *, exact: bool) -> Pairs:
    """The pairs of files in the groups of copies."""
    groups = [each.files for each in inspection.copies if each.exact is exact]
    return {frozenset((a, b)) for files in groups for a in files for b in files if a < b}


def main(model: str = "mobilenet-v2", first: str = "10", seeds: str = "5") -> None:
    """Print what was found of each kind, and what was found besides."""
    for seed in range(int(first), int(first) + int(seeds)):
        with tempfile.TemporaryDirectory() as place:
            exact, near, wrong = plant(Path(place), seed)
            started = time.monotonic()
            inspection = inspect(place, model=model)
            seconds = time.monotonic() - started
        same, alike = found(inspection, exact=True), found(inspection, exact=False)
        doubted = {each.file for each in inspection.doubts}
        rows = (("exact", exact, same), ("near", near, alike), ("labels", wrong, doubted))
        words = (
            f"{name} {len(planted & hits)} of {len(planted)} (+{len(hits - planted)})" for name, planted, hits in rows
        )
        print(f"{model}, seed {seed}: {', '.join(words)}; {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
