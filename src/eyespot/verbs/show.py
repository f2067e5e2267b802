"""show: what is known of one model or file."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from eyespot.arguments import verb
from eyespot.reports.shown import Shown, shown


@verb
def show(model: str, *, all_: Annotated[bool, Parameter(name="--all")] = False) -> Shown | tuple[Shown, ...]:
    """Show a model or file on one screen: accuracy, size, input, devices.

    Of a folder with several files each is shown. Nothing is measured.

    Example: eyespot show tiny-resnet

    Args:
        model: A model, a .tflite file of any origin, or a folder with such files.
        all_: Also the card, all measurements, each finding on each device, the operators, and what the files were
            made from.
    """
    found = shown(model, full=all_)
    return found[0] if len(found) == 1 else found
