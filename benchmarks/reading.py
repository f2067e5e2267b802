"""How long commands that read our own files take, against another checkout, in turns.

    EYESPOT_DATA=... python benchmarks/reading.py OTHER_CHECKOUT [ROUNDS]

Each turn is the whole command in a fresh process. Processor time counts the workers of `evaluate` too.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from eyespot.preprocessing.synthetic import picture
from quantize import HERE, eyespot

PICTURES = 500


def main(other: Path, rounds: int) -> None:
    """A line for each command: the median of the ratios of each round."""
    with tempfile.TemporaryDirectory() as folder:
        for index in range(PICTURES):
            Image.fromarray(picture(index, 64, 64, 3)).save(Path(folder) / f"{index}.png")
        commands = {
            "evaluate": ("evaluate", "tiny-resnet"),
            "predict": ("predict", "tiny-resnet", folder),
            "show": ("show", "tiny-resnet"),
        }
        for name, words in commands.items():
            times = np.array([[eyespot(other, *words), eyespot(HERE, *words)] for _ in range(rounds)])
            processor, wall = np.median(times[:, 0] / times[:, 1], axis=0)
            here = np.median(times[:, 1, 1])
            print(f"{name:9} {here:5.2f} s; there/here: processor {processor:.3f}, wall {wall:.3f} ({rounds} turns)")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 9)
