"""show: everything that is known of one model."""

from __future__ import annotations

from eyespot.arguments import verb
from eyespot.zoo.listing import Shown, overview


@verb
def show(model: str) -> Shown:
    """Show a model's card, its files with their provenance, and all measurements.

    Example: eyespot show tiny-resnet

    Args:
        model: Name of a model.
    """
    return overview(model)
