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
from eyespot.artifacts.model_folder import ModelFolder
from eyespot.devices.host import HostMeasurements
from eyespot.errors import BadArgumentError, EyespotError, RefusedError
from eyespot.escaping import c_comment, c_name, c_string, markdown
from eyespot.evaluation.confidence import FLOOR, floor, powers
from eyespot.exports.camera import FORMATS, Camera, axes, enlarge, rows, shrink
from eyespot.exports.folder import answers
from eyespot.preprocessing.spec import Contract, Preprocessing
from eyespot.preprocessing.synthetic import picture
from eyespot.tflite import run as running
from eyespot.tflite.read import File, Tensor

GOLDEN_BYTES = 65_536  # of flash
LONGEST = 4095  # bytes of a string that every compiler of C99 accepts
CAMERA = 30, 40  # height and width of the picture that checks the generic preprocessing
TEMPLATES = Path(__file__).parent / "templates" / "c"
FILES = ("model.h", "model.c", "preprocess.c", "decide.c", "golden.c", "main.cc", "CMakeLists.txt", "README.md")


def write_c(
    measured: HostMeasurements,
    contract: Contract,
    folder: Path,
    *,
    camera: Camera | None = None,
    golden_bytes: int = GOLDEN_BYTES,
    min_confidence: float = 0.0,
) -> tuple[tuple[Path, ...], int]:
    """Write the sources; return them and the bytes of arena that they reserve.

    Symbols and titles have the contract's name. The preprocessing takes the frames of `camera`, or RGB888 and RGB565 of
    any size. `min_confidence` is the least probability of an answer.
    RefusedError for a file or a contract that the sources do not support; errors of the arena's measurement.
    """
    file = measured.file
    _check(file, contract)
    if isinstance(measured.arena, EyespotError):
        raise measured.arena
    arena = measured.arena.total
    filled = values(file, contract, arena, min_confidence)
    first = camera.image(camera.pattern()) if camera else picture(0, *CAMERA, 3)
    filled |= _golden(file, contract, first, golden_bytes)
    filled |= for_camera(filled, contract.preprocessing, camera) if camera else generic(filled)
    return tuple(write(folder / name, f"{render(name, filled)}\n") for name in FILES), arena


def named(contract: Contract, folder: ModelFolder, file: File, name: str | None = None) -> Contract:
    """A contract under the name of an export: `name`, or the folder's if your own images trained the file.

    BadArgumentError for an empty name, BadFileError for a damaged sidecar.
    """
    if name is not None and not name.strip():
        raise BadArgumentError("name: expected a name, such as my-model, found none")
    record = folder.record(file.path.name)
    trained = record is not None and "training_images" in record.facts
    title = name or (folder.path.resolve().name if trained else "") or contract.model
    return replace(contract, model=title.encode(errors="backslashreplace").decode())


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
    """A template with its placeholders filled, without the end of its last line."""
    return Template((TEMPLATES / name).read_text("utf-8")).substitute(filled).rstrip()


def for_host(file: File, contract: Contract, height: int, width: int) -> dict[str, str]:
    """Sources of a program that turns pictures of one size into tensors by the C code. RefusedError as `write_c`.

    As it runs on this machine, no name of the contract and no operator is in it.
    """
    _check(file, contract)
    nameless = replace(contract, model="model", classes=tuple(map(str, range(len(contract.classes)))))
    size = {"picture_height": str(height), "picture_width": str(width)}
    blank = {"golden": "1", "golden_camera": "", "operator_count": "0", "operators": "        (void)(resolver); \\"}
    filled = values(file, nameless, 0) | blank | size
    filled |= generic(filled)
    return {Path(name).name: render(name, filled) for name in ("model.h", "preprocess.c", "generic/host.c")}


def generic(filled: dict[str, str]) -> dict[str, str]:
    """The placeholders of a preprocessing that takes RGB888 and RGB565 of any size."""
    filled |= {"camera_height": str(CAMERA[0]), "camera_width": str(CAMERA[1])}
    return {
        "preprocess": render("generic/preprocess.c", filled),
        "preprocessing": render("generic/model.h", filled),
        "verify_input": render("generic/golden.c", filled),
        "buffers": render("generic/main.cc", filled),
        "convert": f"{filled['name']}_from_rgb565(frame, kWidth, kHeight, scratch, image)",
        "checked": "scratch",
    }


def for_camera(filled: dict[str, str], spec: Preprocessing, camera: Camera) -> dict[str, str]:
    """The placeholders of a preprocessing that takes the frames of one camera, with its tables."""
    form, (columns, lines) = FORMATS[camera.format], axes(camera, spec)
    smaller = columns.scale >= 1
    tables = (shrink if smaller else enlarge)(columns) | rows(lines)
    opened = max(end - start for start, end in zip(tables["row_starts"], tables["row_ends"], strict=False))
    filled |= _walk(camera, tables.pop("column_first", [0])[0]) | {"row_first": str(tables.pop("row_first")[0])}
    filled |= {name: _rows(map(str, table)) for name, table in tables.items()}
    filled |= {
        "camera_width": str(camera.width), "camera_height": str(camera.height), "format": camera.format,
        "format_text": form.words, "pixel_type": f"uint{form.bits}_t", "per_pixel": str(form.per_pixel),
        "unit": str(form.unit), "open": str(opened), "rows": str(len(tables["row_ends"])),
        "state": f"{spec.width * spec.channels * (2 + 4 * opened):,}",
        "byte": render("camera/byte.c", filled) if camera.format == "yuyv" else "",
        "colour": render("camera/colour.c" if spec.channels == 3 else "camera/luma.c", filled),
        "read": render(f"camera/{camera.format}.c", filled),
    }  # fmt: skip
    filled["resize"] = render("camera/shrink.c" if smaller else "camera/enlarge.c", filled)
    return filled | {
        "preprocess": render("camera/preprocess.c", filled),
        "preprocessing": render("camera/model.h", filled),
        "verify_input": render("camera/golden.c", filled),
        "buffers": render("camera/main.cc", filled),
        "convert": f"{filled['name']}_from_camera(frame, image)",
        "checked": "frame",
    }


def _walk(camera: Camera, first: int) -> dict[str, str]:
    """How C goes over the pixels of a row, from the first: by a pointer, but in pairs by an index."""
    if camera.format == "yuyv":
        return {"begin": f"int at = {first}", "next": "at++", "at": "at"}
    step = FORMATS[camera.format].per_pixel
    return {"begin": f"row += {first * step}", "next": f"row += {step}", "at": "0"}


def values(file: File, contract: Contract, arena: int, min_confidence: float = 0.0) -> dict[str, str]:
    """Values of the placeholders except the golden ones and those of the preprocessing; `arena` is in bytes."""
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
        "classes": str(len(contract.classes)),
        "class_names": ",\n".join(f"    {c_string(c)}" for c in contract.classes),
        "input_scale": _c_float(file.input.scale),
        "input_zero_point": str(file.input.zero_point),
        "output_scale": _c_float(file.output.scale),
        "output_zero_point": str(file.output.zero_point),
        "min_confidence": _c_float(min_confidence),
        "probability": _probability(file, contract, {"NAME": name.upper()}),
        "arena": str(arena),
        "printed": markdown(contract.model),
        "operator_count": str(len(operators)),
        "operators": "\n".join(f"        (resolver).Add{resolver_name(o)}(); \\" for o in operators),
        "size": str(len(file.data)),
        "bytes": _rows(f"0x{byte:02x}" for byte in file.data),
    }


def _probability(file: File, contract: Contract, filled: dict[str, str]) -> str:
    """The C function from an output tensor to the probability of a class, as `evaluation.confidence` computes it."""
    temperature = contract.confidence.temperature if contract.confidence else 1.0
    if contract.logits:
        return softmax(file.output, temperature, filled)
    if contract.confidence is None:
        return render("decide/plain.c", filled)
    levels = running.to_float(np.arange(-128, 128), file.output)
    table = powers(levels, temperature, floor(file.output, contract))
    return render("decide/calibrated.c", filled | _powers(np.maximum(table, FLOOR), temperature))


def softmax(output: Tensor, temperature: float, filled: dict[str, str]) -> str:
    """`_probability` of a file whose outputs are logits."""
    table = np.exp(-np.arange(256) * output.scale / temperature)
    return render("decide/softmax.c", filled | _powers(table, temperature))


def _powers(table: NDArray[np.float64], temperature: float) -> dict[str, str]:
    return {"temperature": repr(temperature), "powers": _rows((f"{_c_float(each)}f" for each in table), each=8)}


def _golden(file: File, contract: Contract, camera: NDArray[np.uint8], most: int) -> dict[str, str]:
    """As many pictures as fit into `most` bytes of flash, but at least the first, which a camera gave."""
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
