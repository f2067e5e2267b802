"""An int8 file as C99 for TensorFlow Lite for Microcontrollers, with preprocessing and golden check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts.atomic import write
from eyespot.devices.host import HostMeasurements
from eyespot.errors import EyespotError, RefusedError
from eyespot.escaping import c_comment, c_name, c_string
from eyespot.evaluation.confidence import FLOOR, floor, powers
from eyespot.exports.folder import answers
from eyespot.preprocessing.spec import Contract
from eyespot.preprocessing.synthetic import picture
from eyespot.tflite import run as running
from eyespot.tflite.read import File

# A device's 32-bit pointers need less than this host's, CMSIS-NN's scratch a little more.
MARGIN = 1.05
GOLDEN_BYTES = 65_536  # of flash
LONGEST = 4095  # bytes of a string that every compiler of C99 accepts
CAMERA = 30, 40  # height and width of the picture that checks the C preprocessing
TEMPLATES = Path(__file__).parent / "templates" / "c"
FILES = ("model.h", "model.c", "preprocess.c", "decide.c", "golden.c", "main.cc", "CMakeLists.txt")


def write_c(
    measured: HostMeasurements,
    contract: Contract,
    folder: Path,
    *,
    golden_bytes: int = GOLDEN_BYTES,
    min_confidence: float = 0.0,
) -> tuple[tuple[Path, ...], int]:
    """Write the sources; return them and the bytes of arena that they reserve.

    `min_confidence` is the least probability of an answer.
    RefusedError for a file or a contract that the sources do not support; errors of the arena's measurement.
    """
    file = measured.file
    _check(file, contract)
    if isinstance(measured.arena, EyespotError):
        raise measured.arena
    filled = values(file, contract, measured.arena.total, min_confidence) | _golden(file, contract, golden_bytes)
    return tuple(write(folder / name, render(name, filled)) for name in FILES), int(filled["arena"])


def _check(file: File, contract: Contract) -> None:
    spec = contract.preprocessing
    if file.precision != "int8":
        raise RefusedError(f"{file.path}: expected an int8 file, found {file.precision}. Quantize it.")
    if spec.order == "bgr" or spec.resize != "bilinear":
        found = f"{spec.order} and {spec.resize}"
        raise RefusedError(f"{file.path}: expected rgb or gray and bilinear, found {found}. Use --to folder.")
    if not np.array_equal(running.levels(spec, file.input), np.arange(-128, 128)):
        raise RefusedError(f"{file.path}: expected an input of pixel - 128. Quantize it again.")
    if custom := [each for each in file.operators if not each.isidentifier()]:
        raise RefusedError(f"{file.path}: expected operators that TFLM registers, found {custom[0]}. Use --to folder.")
    if any("\0" in name or len(name.encode(errors="replace")) > LONGEST for name in contract.classes):
        raise RefusedError(
            f"{file.path}: expected class names of C99, up to {LONGEST:,} bytes and no NUL. Rename them."
        )


def render(name: str, filled: dict[str, str]) -> str:
    """A template with its placeholders filled."""
    return Template((TEMPLATES / name).read_text("utf-8")).substitute(filled)


def for_host(file: File, contract: Contract, height: int, width: int) -> dict[str, str]:
    """Sources of a program that turns pictures of one size into tensors by the C code. RefusedError as `write_c`.

    As it runs on this machine, no name of the contract and no operator is in it.
    """
    _check(file, contract)
    nameless = replace(contract, model="model", classes=tuple(map(str, range(len(contract.classes)))))
    size = {"picture_height": str(height), "picture_width": str(width)}
    blank = {"golden": "1", "operator_count": "0", "operators": "        (void)(resolver); \\"}
    filled = values(file, nameless, 0) | blank | size
    return {name: render(name, filled) for name in ("model.h", "preprocess.c", "host.c")}


def values(file: File, contract: Contract, measured: int, min_confidence: float = 0.0) -> dict[str, str]:
    """Values of the placeholders except the golden ones; `measured` is the arena in bytes."""
    name = c_name(contract.model)
    spec, operators = contract.preprocessing, sorted(set(file.operators))
    square = f"the central square of {spec.crop} of the shorter side"
    return {
        "title": c_comment(contract.model),
        "name": name,
        "NAME": name.upper(),
        "version": version("eyespot"),
        "sha256": file.sha256,
        "width": str(spec.width),
        "height": str(spec.height),
        "channels": str(spec.channels),
        "order": "R, G, B" if spec.channels == 3 else "gray",
        "crop": repr(spec.crop or 0),
        "crop_text": square if spec.crop else "the whole image",
        "camera_height": str(CAMERA[0]),
        "camera_width": str(CAMERA[1]),
        "classes": str(len(contract.classes)),
        "class_names": ",\n".join(f"    {c_string(c)}" for c in contract.classes),
        "input_scale": _c_float(file.input.scale),
        "input_zero_point": str(file.input.zero_point),
        "output_scale": _c_float(file.output.scale),
        "output_zero_point": str(file.output.zero_point),
        "min_confidence": _c_float(min_confidence),
        "probability": _probability(file, contract, {"NAME": name.upper()}),
        "arena": str(int(measured * MARGIN) // 16 * 16 + 16),
        "arena_source": f"{measured:,} bytes measured on a 64-bit host, plus 5 %",
        "operator_count": str(len(operators)),
        "operators": "\n".join(f"        (resolver).Add{resolver_name(o)}(); \\" for o in operators),
        "size": str(len(file.data)),
        "bytes": _rows(f"0x{byte:02x}" for byte in file.data),
    }


def _probability(file: File, contract: Contract, filled: dict[str, str]) -> str:
    """The C function from an output tensor to the probability of a class, as `evaluation.confidence` computes it."""
    if contract.confidence is None:
        return render("probability.c", filled).rstrip()
    levels = running.to_float(np.arange(-128, 128), file.output)
    table = powers(levels, contract.confidence.temperature, floor(file.output, len(contract.classes)))
    stated = {"temperature": repr(contract.confidence.temperature)}
    stated["powers"] = _rows((f"{_c_float(each)}f" for each in np.maximum(table, FLOOR)), each=8)
    return render("probability_calibrated.c", filled | stated).rstrip()


def _golden(file: File, contract: Contract, most: int) -> dict[str, str]:
    """As many pictures as fit into `most` bytes of flash, but at least the first, which a camera gave."""
    camera = picture(0, *CAMERA, 3)
    tensor = running.encoder(file, contract)(camera)
    pairs = [(tensor, running.open_runner(file, "reference")(tensor))]
    pairs += [(tensor, output) for _, tensor, output in answers(file, contract)][1:]
    kept = pairs[: max(1, most // pairs[0][0].size)]
    return {
        "golden": str(len(kept)),
        "golden_camera": _rows(map(str, camera.flat)),
        "golden_inputs": ",\n".join(_braced(tensor) for tensor, _ in kept),
        "golden_outputs": ",\n".join(_braced(output) for _, output in kept),
    }


def _braced(tensor: NDArray[Any]) -> str:
    return f"{{\n{_rows(map(str, tensor.flat))}\n}}"


def resolver_name(operator: str) -> str:
    """TFLM's name of an operator: `DEPTHWISE_CONV_2D` is added by `AddDepthwiseConv2D`."""
    return "".join(part if part[:1].isdigit() else part.capitalize() for part in operator.split("_"))


def _c_float(value: float) -> str:
    """Enough digits to give the same float32 back, always with a point or exponent."""
    text = f"{value:.9g}"
    return text if "." in text or "e" in text else f"{text}.0"


def _rows(words: Iterable[str], each: int = 16) -> str:
    listed = list(words)
    return "\n".join(f"    {', '.join(listed[i : i + each])}," for i in range(0, len(listed), each))
