"""As much of torchvision as timm needs to be imported. The real one does not load beside a CPU torch."""

from __future__ import annotations

import enum
import sys
import types

from torch import nn

NAMES = (
    "torchvision",
    "torchvision.datasets",
    "torchvision.models",
    "torchvision.models.feature_extraction",
    "torchvision.ops",
    "torchvision.ops.misc",
    "torchvision.transforms",
    "torchvision.transforms.functional",
)


class _Module(types.ModuleType):
    """A module in which every name is an empty layer."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (nn.Module,), {})


def install() -> None:
    """Let `import torchvision` find the stand-in."""
    modules = {name: _Module(name) for name in NAMES}
    modes = "NEAREST NEAREST_EXACT BILINEAR BICUBIC BOX HAMMING LANCZOS"
    for name, module in modules.items():
        module.InterpolationMode = enum.Enum("InterpolationMode", modes)
        package, _, last = name.rpartition(".")
        if package:
            setattr(modules[package], last, module)
    sys.modules.update(modules)
