"""export: a file in the form that a board takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eyespot import registry
from eyespot.exports.c import write_c
from eyespot.tflite.read import read
from eyespot.tflite.run import contract_of


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written; the arena in bytes that the C source asks for."""

    folder: Path
    files: tuple[Path, ...]
    arena: int


def export(model: str, *, to: Literal["c"] = "c", out: Path | None = None) -> Exported:
    """Write a file as C source, with preprocessing, golden check and example.

    Example: eyespot export tiny-resnet --to c --out firmware/model

    Parameters
    ----------
    model
        A model (its int8 file), an int8 .tflite file with a contract, or a folder.
    to
        c: C99 for TensorFlow Lite for Microcontrollers.
    out
        Folder to write to; build/MODEL/c by default.
    """
    file = read(registry.find(model))
    contract = contract_of(file)
    folder = out or Path("build") / contract.model / to
    files, arena = write_c(file, contract, folder)
    return Exported(folder=folder, files=files, arena=arena)
