"""Folders for boards: a model file for Linux without eyespot, and golden tensors to compare with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts.atomic import replacing, write, write_json
from eyespot.errors import RefusedError
from eyespot.escaping import file_name, is_line, markdown
from eyespot.evaluation.confidence import floor
from eyespot.evaluation.predict import run
from eyespot.preprocessing.image import to_pillow
from eyespot.preprocessing.spec import Contract
from eyespot.preprocessing.synthetic import GOLDEN, picture
from eyespot.tflite import run as running
from eyespot.tflite.read import File

TEMPLATES = Path(__file__).parent / "templates" / "folder"


def write_folder(
    file: File, contract: Contract, folder: Path, *, min_confidence: float = 0.0, device: str = ""
) -> tuple[Path, ...]:
    """Write the model, labels.txt, contract.json, classify.py and a README with notes on a device.

    RefusedError for labels with control characters.

    The contract's `levels` are what pixel values 0..255 become: (256,), or (256, channels) if they differ. Its
    `floor` is what an output of 0 counts for where a temperature is applied. `min_confidence` is the least
    probability of an answer.
    """
    if unfit := [name for name in contract.classes if not is_line(name)]:
        raise RefusedError(
            f"{file.path}: expected classes that are lines of labels.txt, found {unfit[0]!r}. Rename it."
        )
    name = f"{file_name(file.path.stem)}.tflite"
    content = {
        **asdict(contract),
        "file": name,
        "sha256": file.sha256,
        "floor": floor(file.output, contract),
        "min_confidence": min_confidence,
        "levels": running.levels(contract.preprocessing, file.input).tolist(),
    }
    return (
        write(folder / name, file.data),
        write(folder / "labels.txt", "".join(f"{name}\n" for name in contract.classes)),
        write_json(folder / "contract.json", content),
        write(folder / "classify.py", (TEMPLATES / "classify.py").read_text("utf-8")),
        write(folder / "README.md", _readme(contract.model, device)),
    )


def _readme(title: str, device: str) -> str:
    notes = TEMPLATES / "boards" / f"{file_name(device)}.md"
    text = (TEMPLATES / "README.md").read_text("utf-8") + (notes.read_text("utf-8") if notes.exists() else "")
    return Template(text).substitute(printed=markdown(title), version=version("eyespot"))


def answers(file: File, contract: Contract) -> Iterator[tuple[NDArray[np.uint8], NDArray[Any], NDArray[Any]]]:
    """Each golden picture (h, w, c), the input tensor (h, w, c) made from it, and the output vector.

    Outputs are those of LiteRT's reference kernels, which TFLM's equal.
    """
    pictures = [picture(index, *contract.preprocessing.shape) for index in range(GOLDEN)]
    tensors = list(map(running.encoder(file, contract), pictures))
    yield from zip(pictures, tensors, run(file, tensors, "reference"), strict=True)


def write_golden(file: File, contract: Contract, folder: Path) -> None:
    """Write N.png, N.input.bin and N.output.bin (raw tensors as the file stores them) and golden.json."""
    for index, (pixels, tensor, output) in enumerate(answers(file, contract)):
        with replacing(folder / f"{index}.png") as partial:
            to_pillow(pixels).save(partial, "PNG")
        write(folder / f"{index}.input.bin", tensor.tobytes())
        write(folder / f"{index}.output.bin", output.tobytes())
    description = {
        "file": file.sha256,
        "kernels": "reference",
        "input": {"shape": file.input.shape, "dtype": file.input.dtype},
        "output": {"shape": file.output.shape, "dtype": file.output.dtype},
        "pictures": GOLDEN,
    }
    write_json(folder / "golden.json", description)
