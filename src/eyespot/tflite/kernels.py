"""The sets of kernels that run a file."""

from __future__ import annotations

from typing import Literal

Kernels = Literal["xnnpack", "reference", "tflm"]

PACKAGES: dict[Kernels, str] = {
    "xnnpack": "ai-edge-litert",
    "reference": "ai-edge-litert",
    "tflm": "tflite-micro",
}
