"""Shared parts of the cards: publishers' addresses, and rows of NXP's Model List."""

from __future__ import annotations

from eyespot.zoo.cards import Reference

MLPERF_TINY = (
    "https://github.com/mlcommons/tiny/raw/1afd2c9820f795965a6134facd0b4dfae41ef23f/benchmark/training"
)
CORAL = "https://github.com/google-coral/test_data/raw/104342d2d3480b3e66203073dac24f4e2dbb4c41"

IMAGENET_TERMS = "Trained on ImageNet, whose terms allow only non-commercial research and education."


def nxp(
    *,
    float32: str,
    int8: str,
    operations: str,
    parameters: str,
    float32_size: str,
    int8_size: str,
    compatibility: str,
) -> tuple[Reference, ...]:
    """A row of the Model List on NXP's image classification page, with each cell as printed there."""
    row = {
        "top-1 float32": float32,
        "top-1 int8": int8,
        "OPS": operations,
        "MParams": parameters,
        "size float32": float32_size,
        "size int8": int8_size,
        "compatibility": compatibility,
    }
    source = "NXP eIQ Model Zoo 1.5, tasks/vision/classification/README.md"
    return tuple(
        Reference(publisher="NXP", quantity=quantity, value=value, source=source, date="2025-09-15")
        for quantity, value in row.items()
    )
