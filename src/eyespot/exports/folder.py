"""A model file with its contract, labels and a script, for Linux boards without eyespot."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from eyespot.artifacts.atomic import write, write_json
from eyespot.errors import RefusedError
from eyespot.preprocessing.spec import Contract
from eyespot.tflite import run as running
from eyespot.tflite.read import File

SCRIPT = Path(__file__).parent / "templates" / "folder" / "classify.py"


def write_folder(file: File, contract: Contract, folder: Path) -> tuple[Path, ...]:
    """Write the model, labels.txt, contract.json and classify.py. RefusedError for labels with line ends.

    The contract's `levels` are what pixel values 0..255 become: (256,), or (256, channels) if they differ.
    """
    if any(len(name.splitlines()) != 1 for name in contract.classes):
        raise RefusedError(f"{file.path}: a class name is empty or has a line end; labels.txt has one a line")
    content = {
        **asdict(contract),
        "file": file.path.name,
        "sha256": file.sha256,
        "levels": running.levels(contract.preprocessing, file.input).tolist(),
    }
    return (
        write(folder / file.path.name, file.data),
        write(folder / "labels.txt", "".join(f"{name}\n" for name in contract.classes)),
        write_json(folder / "contract.json", content),
        write(folder / "classify.py", SCRIPT.read_text("utf-8")),
    )
