"""litert-quantizer, told the ranges."""

from __future__ import annotations

import numpy as np

from eyespot.capture import captured
from eyespot.quantization.activations import Range


def quantize_static(data: bytes, ranges: dict[str, Range]) -> bytes:
    """Full int8 of a float32 file's bytes: in and out, per-channel convolutions, int32 biases.

    Dense layers are per-tensor: NXP's i.MX 93 delegate refuses them per channel.
    """
    with captured():
        from litert_quantizer import qtyping, quantizer, recipe

        work = quantizer.Quantizer(data)
        work.load_quantization_recipe(recipe.static_wi8_ai8())
        dense = qtyping.TFLOperationName.FULLY_CONNECTED
        work.add_static_config(".*", dense, 8, 8, weight_granularity=qtyping.QuantGranularity.TENSORWISE)
        found = {name: {"min": _scalar(low), "max": _scalar(high)} for name, (low, high) in ranges.items()}
        return bytes(work.quantize(found, enable_progress_report=False).quantized_model)


def _scalar(value: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.full((1, 1), value, np.float32)
