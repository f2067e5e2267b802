"""eyespot: small image classifiers for embedded devices, every number measured.

The verbs of the command line are functions here; nothing is imported before it is used, so that
`import eyespot` loads no framework.
"""

from __future__ import annotations

import importlib
from typing import Any

_OWNERS = {
    "Artifact": "cards",
    "BadFileError": "errors",
    "Compatibility": "cards",
    "Contract": "cards",
    "Dataset": "cards",
    "Device": "devices.card",
    "Evaluation": "cards",
    "EyespotError": "errors",
    "Finding": "cards",
    "Input": "cards",
    "MissingDataError": "errors",
    "MissingExtraError": "errors",
    "Model": "cards",
    "Prediction": "cards",
    "Quantization": "cards",
    "Recipe": "cards",
    "Reference": "cards",
    "RefusedError": "errors",
    "StoppedError": "errors",
    "UnfitError": "errors",
    "UnknownNameError": "errors",
    "Verdict": "cards",
    "Weights": "cards",
    "check": "verbs.check",
    "compile_for": "verbs.compile",
    "convert": "verbs.convert",
    "evaluate": "verbs.evaluate",
    "export": "verbs.export",
    "fetch": "verbs.fetch",
    "list_models": "verbs.list",
    "make": "verbs.make",
    "measure": "verbs.measure",
    "predict": "verbs.predict",
    "quantize": "verbs.quantize",
    "report": "verbs.report",
    "show": "verbs.show",
    "train": "verbs.train",
}

__all__ = sorted(_OWNERS)  # noqa: PLE0605 (a computed list of names)


def __getattr__(name: str) -> Any:
    if name not in _OWNERS:
        raise AttributeError(f"module 'eyespot' has no attribute {name!r}")
    return getattr(importlib.import_module(f"eyespot.{_OWNERS[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
