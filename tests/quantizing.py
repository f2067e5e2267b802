"""int8 models in memory."""

from __future__ import annotations

from typing import Any

from eyespot.evaluation import workers
from eyespot.quantization import engine, statistics
from eyespot.tflite.read import File
from eyespot.zoo.cards import Quantization


def quantized(float32: File, pixels: Any, how: Quantization) -> Any:
    """As `eyespot quantize` makes it of these images."""
    with workers.start(1) as pool:
        measured = statistics.measure(float32, pixels, how.ranges, pool)
    return engine.quantized(float32, pixels, measured, how)
