"""inspect: what a folder of pictures holds, and what to mend in it."""

from __future__ import annotations

from pathlib import Path

from eyespot.arguments import CORES, positive, verb
from eyespot.data import catalogue
from eyespot.data.inspected import Inspection


@verb
def inspect(
    data: str, *, model: str | None = None, sheets: Path | None = None, processes: int | None = None
) -> Inspection:
    """Look at every picture of a folder, and say what to mend.

    Finds broken files, copies within and across parts and classes, small classes, and labels that are probably
    wrong. It changes nothing in the folder.

    Example: eyespot inspect photos/ --sheets sheets/

    Args:
        data: A folder of yours, in a layout of docs/data.md, or a data set.
        model: Whose features show wrong labels; by default efficientnet-lite0 or mobilenet-v2 if `make` built one,
            else tiny-resnet.
        sheets: Write a contact sheet of each class (PNG) to this folder.
        processes: To run in; one for each core by default.
    """
    positive(CORES, processes=processes)
    from eyespot.data import inspection as engine
    from eyespot.zoo import registry

    card = catalogue.dataset(data)
    extractor = engine.extractor(registry.open_model(model or engine.default())[1])
    found = engine.inspect(card, extractor, processes=processes)
    if sheets:
        from eyespot.reports.contact_sheet import write

        for name, pictures in engine.sheets(card, found, processes=processes):
            write(name, pictures, sheets)
    return found
