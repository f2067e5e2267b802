"""The sets of kernels that run a file, and what they need of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kernels = Literal["xnnpack", "reference", "tflm"]

PACKAGES: dict[Kernels, str] = {
    "xnnpack": "ai-edge-litert",
    "reference": "ai-edge-litert",
    "tflm": "tflite-micro",
}


@dataclass(frozen=True, kw_only=True)
class Content:
    """The bytes of a .tflite file; `path` is what errors call it."""

    path: Path
    data: bytes
