"""Golden tensors: a file's outputs for generated pictures, to compare a board with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts.atomic import replacing, write, write_json
from eyespot.preprocessing.spec import Contract
from eyespot.preprocessing.synthetic import picture
from eyespot.tflite.read import File
from eyespot.tflite.run import encoder, open_runner

PICTURES = 4


def answers(file: File, contract: Contract) -> Iterator[tuple[NDArray[np.uint8], NDArray[Any], NDArray[Any]]]:
    """Each picture (h, w, c), the input tensor (h, w, c) made from it, and the output vector.

    Outputs are those of LiteRT's reference kernels, which TFLM's equal.
    """
    encode, run = encoder(file, contract), open_runner(file, "reference")
    spec = contract.preprocessing
    for index in range(PICTURES):
        pixels = picture(index, spec.height, spec.width, spec.channels)
        tensor = encode(pixels)
        yield pixels, tensor, run(tensor)


def write_golden(file: File, contract: Contract, folder: Path) -> tuple[Path, ...]:
    """Write N.png, N.input.bin and N.output.bin (raw tensors as the file stores them) and golden.json."""
    from PIL import Image

    files = []
    for index, (pixels, tensor, output) in enumerate(answers(file, contract)):
        with replacing(folder / f"{index}.png") as partial:
            Image.fromarray(pixels.squeeze()).save(partial, "PNG")
        files += [
            folder / f"{index}.png",
            write(folder / f"{index}.input.bin", tensor.tobytes()),
            write(folder / f"{index}.output.bin", output.tobytes()),
        ]
    description = {
        "file": file.sha256,
        "kernels": "reference",
        "input": {"shape": file.input.shape, "dtype": file.input.dtype},
        "output": {"shape": file.output.shape, "dtype": file.output.dtype},
        "pictures": PICTURES,
    }
    return (*files, write_json(folder / "golden.json", description))
