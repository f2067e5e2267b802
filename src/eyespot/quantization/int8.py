"""litert-quantizer with given ranges."""

from __future__ import annotations

import numpy as np

from eyespot.capture import captured
from eyespot.quantization.activations import Range


def quantize_static(data: bytes, ranges: dict[str, Range]) -> bytes:
    """Full int8 of a float32 file's bytes: in and out, per-channel convolutions, int32 biases.

    Dense layers are per-tensor: NXP's i.MX 93 delegate refuses them per channel. An activation that is
    always zero gets the range 0 to 1; with none, XNNPACK refuses its layer and the next biases overflow.
    """
    with captured():
        from litert_quantizer import qtyping, quantizer, recipe

        work = quantizer.Quantizer(data)
        work.load_quantization_recipe(recipe.static_wi8_ai8())
        dense = qtyping.TFLOperationName.FULLY_CONNECTED
        work.add_static_config(".*", dense, 8, 8, weight_granularity=qtyping.QuantGranularity.TENSORWISE)
        limits = {
            name: {"min": _scalar(low), "max": _scalar(high if high > low else low + 1)}
            for name, (low, high) in ranges.items()
        }
        return bytes(work.quantize(limits, enable_progress_report=False).quantized_model)


def _scalar(value: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.full((1, 1), value, np.float32)
