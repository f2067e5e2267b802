"""Memory and time of training on many large pictures, which do not fit into memory when decoded.

python benchmarks/many.py [MODEL [WEIGHTS [LAYERS [PICTURES]]]]   20,000 of 500 x 375 by default; Linux
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from eyespot.preprocessing.synthetic import CLASSES, picture

BASES, SIZE = 200, (375, 500)


def write_folder(folder: Path, pictures: int) -> None:
    """JPEG files in one folder per class; each is one of a few pictures, moved and darkened."""
    bases = [picture(i, *SIZE, 3) for i in range(BASES)]
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
    for i in range(pictures):
        moved = np.roll(bases[i % BASES], (i // BASES) * 7 % SIZE[1], axis=1)
        dark = (moved * (1 - i % 37 / 100)).astype(np.uint8)
        Image.fromarray(dark).save(folder / CLASSES[i % len(CLASSES)] / f"{i}.jpg", quality=85)


def main(model: str = "mobilenet-v2", weights: str = "", layers: str = "all", pictures: str = "20000") -> None:
    """Train in a process of its own and print its peak of resident memory."""
    with tempfile.TemporaryDirectory() as place:
        write_folder(Path(place) / "pictures", int(pictures))
        words = ["train", model, "--data", f"{place}/pictures", "--out", f"{place}/mine", "--layers", layers]
        words += ["--epochs", "1"]  # more need no more memory
        words += ["--weights", weights] if weights else []
        started = time.monotonic()
        subprocess.run([sys.executable, "-m", "eyespot", *words], check=True)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
        minutes = (time.monotonic() - started) / 60
        print(f"{model}, {int(pictures):,} pictures: {peak:.2f} GB resident at the peak, {minutes:.1f} min")


if __name__ == "__main__":
    main(*sys.argv[1:])
