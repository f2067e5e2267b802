"""export: an int8 file as C source for TensorFlow Lite for Microcontrollers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import Literal

from eyespot import registry
from eyespot.artifact import write
from eyespot.cards import Contract
from eyespot.errors import RefusedError
from eyespot.tflite import run as running
from eyespot.tflite.read import File, read
from eyespot.tflite.tflm import isolated, measure_arena

# A device's 32-bit pointers need less than this host's, CMSIS-NN's scratch a little more.
MARGIN = 1.05
TEMPLATES = registry.PACKAGE / "templates"


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A folder of C source, and the arena that it asks for in bytes."""

    folder: Path
    files: tuple[Path, ...]
    arena: int


def export(model: str, *, to: Literal["c"] = "c", out: Path | None = None) -> Exported:
    """Write model.h and model.c: the array, quantization, class names, operators and arena size.

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
    contract = running.contract_of(file)
    if file.precision != "int8":
        raise RefusedError(
            f"{file.path}: is {file.precision}; C source is made of int8 files: eyespot quantize {model}"
        )
    folder = out or Path("build") / contract.model / to
    measured = isolated(measure_arena, file.path).total
    values = _values(file, contract, measured)
    files = tuple(write(folder / name, _filled(name, values)) for name in ("model.h", "model.c"))
    return Exported(folder=folder, files=files, arena=int(values["arena"]))


def _filled(name: str, values: dict[str, str]) -> str:
    return Template((TEMPLATES / name).read_text("utf-8")).substitute(values)


def _values(file: File, contract: Contract, measured: int) -> dict[str, str]:
    """What the templates' placeholders stand for."""
    name = contract.model.replace("-", "_")
    operators = sorted(set(file.operators))
    return {
        "title": contract.model,
        "name": name,
        "NAME": name.upper(),
        "version": version("eyespot"),
        "sha256": file.sha256,
        "width": str(contract.input.width),
        "height": str(contract.input.height),
        "channels": str(contract.input.channels),
        "order": "R, G, B" if contract.input.channels == 3 else "gray",
        "classes": str(len(contract.classes)),
        "class_names": ",\n".join(f"    {json.dumps(c)}" for c in contract.classes),
        "input_scale": _c_float(file.input.scale),
        "input_zero_point": str(file.input.zero_point),
        "output_scale": _c_float(file.output.scale),
        "output_zero_point": str(file.output.zero_point),
        "arena": str(int(measured * MARGIN) // 16 * 16 + 16),
        "arena_source": f"{measured:,} bytes measured on a 64-bit host, plus 5 %",
        "operator_count": str(len(operators)),
        "operators": "\n".join(f"        (resolver).Add{resolver_name(o)}(); \\" for o in operators),
        "size": str(len(file.data)),
        "bytes": "\n".join(_rows(file.data)),
    }


def resolver_name(operator: str) -> str:
    """TFLM's name of an operator: `DEPTHWISE_CONV_2D` is added by `AddDepthwiseConv2D`."""
    return "".join(part if part[0].isdigit() else part.capitalize() for part in operator.split("_"))


def _c_float(value: float) -> str:
    """Enough digits to give the same float32 back, always with a point or exponent."""
    text = f"{value:.9g}"
    return text if "." in text or "e" in text else f"{text}.0"


def _rows(data: bytes, width: int = 16) -> list[str]:
    return [
        "    " + ", ".join(f"0x{byte:02x}" for byte in data[start : start + width]) + ","
        for start in range(0, len(data), width)
    ]
