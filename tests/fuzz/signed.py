"""Mutated safetensors with a digest that fits, as the readers of training's files would refuse others at once."""

from __future__ import annotations

import json

from safetensors import SafetensorError
from safetensors.torch import load

from eyespot.training.checkpoint import packed


def signed(data: bytes) -> bytes:
    """The same tensors and metadata with their digest; `data` itself if it is no safetensors file."""
    try:
        tensors = load(data)
        metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__") or {}
        return packed(tensors, {key: text for key, text in metadata.items() if key != "digest"})
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError):
        return data
