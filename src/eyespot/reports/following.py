"""The command that usually follows a verb. Views that know more than its arguments say print their own."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eyespot.zoo.models import MODELS

BOARD = "imx93"

Arguments = Mapping[str, Any]


def following(verb: str, arguments: Arguments, result: Any) -> str:
    """The next command after a verb with these arguments, or ""."""
    return FOLLOWING[verb](arguments, result) if verb in FOLLOWING else ""


def _quoted(value: object) -> str:
    return shlex.quote(str(value))


def _to_the_board(arguments: Arguments, device: str = BOARD) -> str:
    """The folder for a board; a file alone has none."""
    model = str(arguments["model"]).removesuffix(":float32").removesuffix(":int8")
    return "" if model.endswith(".tflite") else f"eyespot make {_quoted(model)} --device {device}"


def _fetched(arguments: Arguments, _: Any) -> str:
    model = next((card.name for card in MODELS if card.data == arguments["data"]), "")
    return f"eyespot evaluate {model}" if model else f"eyespot inspect {arguments['data']}"


def _converted(arguments: Arguments, _: Any) -> str:
    return f"eyespot quantize {_quoted(arguments.get('out') or Path('build') / arguments['model'])}"


def _quantized(_: Arguments, result: Any) -> str:
    return "" if result.following else f"eyespot evaluate {_quoted(result.folder)}"


def _checked(arguments: Arguments, result: Any) -> str:
    """Why not all of it runs on the NPU; else the device's folder."""
    if arguments.get("explain"):
        return ""
    first, *others = result
    lacking = next((c.device for c in result if c.npu and c.npu.status in {"partial", "fails"}), "")
    if lacking:
        return f"eyespot check {_quoted(arguments['model'])} --device {lacking} --explain"
    return _to_the_board(arguments, BOARD if others else first.device)


def _exported(arguments: Arguments, result: Any) -> str:
    if arguments.get("to") == "folder":
        return f"python3 {_quoted(result.folder / 'classify.py')} PICTURE"
    if arguments.get("to") == "hub":
        return "" if result.url else f"eyespot export {_quoted(arguments['model'])} --to hub --push OWNER/NAME"
    return f"eyespot verify {_quoted(arguments['model'])}"


FOLLOWING: dict[str, Callable[[Arguments, Any], str]] = {
    "fetch": _fetched,
    "convert": _converted,
    "quantize": _quantized,
    "evaluate": lambda arguments, _: _to_the_board(arguments),
    "make": lambda _, result: f"eyespot verify {_quoted(result.folder)}",
    "check": _checked,
    "compile": lambda _, result: f"eyespot bench {_quoted(result.file)} --on ssh://USER@BOARD",
    "bench": lambda arguments, _: f"eyespot show {_quoted(arguments['model'])}",
    "export": _exported,
    "measure": lambda _, result: "eyespot report" if result.evaluations else "",
}
