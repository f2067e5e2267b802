"""The command line: the verbs, derived from their functions by cyclopts.

The one place that turns an error into a line and an exit code: 0 done, 1 an error of the user's world,
2 usage.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from eyespot.errors import EyespotError, MissingExtraError

# command: (module and function, what `eyespot --help` says)
VERBS = {
    "list": ("list:list_models", "The models: size, operations, accuracy in int8."),
    "show": ("show:show", "Everything that is known of one model."),
    "make": ("make:make", "One model to a folder for the board."),
    "predict": ("predict:predict", "The classes of your pictures."),
    "check": ("check:check", "Does a file run on a device, and on its NPU?"),
    "compile": ("compile:compile_for", "A file for a device's NPU."),
    "export": ("export:export", "An int8 file as C source."),
    "fetch": ("fetch:fetch", "A data set from its publisher, verified."),
    "evaluate": ("evaluate:evaluate", "A file's accuracy, with n and interval."),
    "train": ("train:train", "A model from random weights."),
    "convert": ("convert:convert", "Trained or published weights to float32.tflite."),
    "quantize": ("quantize:quantize", "float32.tflite to int8.tflite."),
    "report": ("report:report", "The Model List, every cell with its source."),
    "measure": ("measure:measure", "Measure again all that the data at hand allows."),
}

EXTRAS = {"torch": "train", "litert_torch": "train", "h5py": "train", "safetensors": "train"}


def build() -> App:
    """The app with a lazily imported command for each verb."""
    app = App(
        name="eyespot",
        help="Small image classifiers for embedded devices, every number measured.\n\n"
        "MODEL is a name from `eyespot list` (its int8 file), NAME:float32, a .tflite file or a folder. "
        "Every command takes --json.\n\nExample: eyespot make tiny-resnet --device imx93",
        version_flags=["--version"],
        help_flags=["--help", "-h"],
    )
    for name, (function, summary) in VERBS.items():
        app.command(f"eyespot.verbs.{function}", name=name, help=None if name in sys.argv[1:2] else summary)
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
        if error.name not in EXTRAS:
            raise
        return _fail(str(MissingExtraError(error.name, EXTRAS[error.name])))
    except KeyboardInterrupt:
        return _fail("stopped; nothing is left half-written")
    except BrokenPipeError:
        sys.stderr.close()
    return 0


def _run(words: Sequence[str], *, as_json: bool) -> None:
    app = build()
    command, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    result = command(*bound.args, **bound.kwargs)
    if result is None:
        return
    render = importlib.import_module("eyespot.render")
    print(json.dumps(render.plain(result), indent=1, ensure_ascii=False)) if as_json else render.show(result)


def _fail(message: str, code: int = 1) -> int:
    print(f"eyespot: {' '.join(message.split())}", file=sys.stderr)
    return code


def run() -> None:
    """Entry point of the `eyespot` command."""
    sys.exit(main())
