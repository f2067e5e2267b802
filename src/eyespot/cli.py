"""The command line: the verbs, derived from their functions by cyclopts.

The one place that turns an error into a line and an exit code: 0 done, 1 an error of the user's world,
2 usage.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from eyespot.errors import EyespotError, MissingExtraError, UnfitError

# command: (module and function, its docstring's first line, so that --help imports none of them)
VERBS = {
    "list": ("list:list_models", "Say which models there are, how large they are, and how accurate in int8."),
    "show": (
        "show:show",
        "Show a model's card, its files with their provenance, and all measurements.",
    ),
    "make": (
        "make:make",
        "Make the folder for a board: model files, compiled file, C source, golden tensors, checks, card.",
    ),
    "predict": ("predict:predict", "Classify image files, all images of folders, or globs."),
    "check": (
        "check:check",
        "Compute whether a file runs on devices, and whether all of it runs on their NPUs.",
    ),
    "compile": (
        "compile:compile_for",
        "Compile an int8 file for a device's NPU, the compiler's reports kept beside the result.",
    ),
    "export": (
        "export:export",
        "Write a file as C source for a microcontroller, or as a folder for a Linux board.",
    ),
    "fetch": ("fetch:fetch", "Get a data set, verify it and lay it out under $EYESPOT_DATA."),
    "evaluate": ("evaluate:evaluate", "Measure top-1 on a data set, with its 95 % interval."),
    "train": (
        "train:train",
        "Train a model by its card's recipe, or a published one on your own folder of images.",
    ),
    "convert": (
        "convert:convert",
        "Turn trained or published weights into OUT/float32.tflite, the contract inside.",
    ),
    "quantize": (
        "quantize:quantize",
        "Quantize a float32 file to full int8, calibrated on training images alone.",
    ),
    "report": (
        "report:report",
        "Write the Model List in Markdown: our measurements, beside what others published.",
    ),
    "measure": (
        "measure:measure",
        "Measure the models' files again, on every data set at hand and for every device.",
    ),
}


def build(asked: str = "") -> App:
    """The app with a lazily imported command for each verb; the one that is asked for helps in full."""
    app = App(
        name="eyespot",
        help="Small image classifiers for embedded devices, every number measured.\n\n"
        "MODEL is a name from `eyespot list` (its int8 file), NAME:float32, a .tflite file or a folder. "
        "Every command takes --json.\n\nExample: eyespot make tiny-resnet --device imx93",
        version_flags=["--version"],
        help_flags=["--help", "-h"],
        default_parameter=Parameter(negative_iterable=()),
    )
    for name, (function, summary) in VERBS.items():
        app.command(f"eyespot.verbs.{function}", name=name, help=None if name == asked else summary)
    return app


def main(tokens: Sequence[str] | None = None) -> int:
    """Run one command; print the noun that it returns, as tables or (--json) as one JSON document."""
    words = list(sys.argv[1:] if tokens is None else tokens)
    as_json = "--json" in words
    try:
        _run([word for word in words if word != "--json"], as_json=as_json)
    except CycloptsError as error:
        return _fail(f"{str(error).rstrip('.')}; see: eyespot --help", code=2)
    except EyespotError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        missing = MissingExtraError.of(error)
        if missing is error:
            raise
        return _fail(str(missing))
    except BrokenPipeError:
        sys.stderr.close()
    except OSError as error:
        return _fail(f"{error.filename or 'files'}: {error.strerror}; give one that can be used")
    except KeyboardInterrupt:
        return _fail("stopped; nothing is left half-written")
    return 0


def _run(words: Sequence[str], *, as_json: bool) -> None:
    app = build(*words[:1])
    command, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    try:
        result = command(*bound.args, **bound.kwargs)
    except UnfitError as error:
        _print(error.result, as_json=as_json)
        raise
    if result is not None:
        _print(result, as_json=as_json)


def _print(result: object, *, as_json: bool) -> None:
    render = importlib.import_module("eyespot.reports.terminal")
    print(json.dumps(render.plain(result), indent=1, ensure_ascii=False)) if as_json else render.show(result)


def _fail(message: str, code: int = 1) -> int:
    print(f"eyespot: {' '.join(message.split())}", file=sys.stderr)
    return code


def run() -> None:
    """Entry point of the `eyespot` command."""
    sys.exit(main())
