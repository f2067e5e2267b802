"""list: the models, and which of them fits."""

from __future__ import annotations

from pathlib import Path

from eyespot.arguments import Bytes, size, verb
from eyespot.devices import device as device_card
from eyespot.errors import BadArgumentError
from eyespot.zoo import registry
from eyespot.zoo.listing import Listed, choose, models


@verb
def list_models(
    *,
    device: str | None = None,
    ram: Bytes = None,
    flash: Bytes = None,
    min_accuracy: float | None = None,
    data: str | None = None,
    plot: Path | None = None,
) -> tuple[Listed, ...]:
    """List the models: data, size, accuracy in int8, and which of them fit.

    Every figure is a shipped measurement or your own; what was not measured fulfils no constraint. Models
    are sorted by accuracy within each data set, as accuracies on different data sets do not compare. Best
    are those that no other listed model of the same data set equals in accuracy, arena and multiply-adds
    while beating them in one.

    Example: eyespot list --device mcxn947 --ram 256k --flash 1M --min-accuracy 0.8

    Args:
        device: Only models that run on it, with their verdicts there.
        ram: Only models whose arena fits, such as 256k.
        flash: Only models whose int8 file fits, such as 1M.
        min_accuracy: Only models with this top-1 of the int8 file or more, from 0 to 1.
        data: Only models of this data set.
        plot: A PNG file to draw accuracy against arena and multiply-adds to.
    """
    if min_accuracy is not None and not 0 <= min_accuracy <= 1:
        raise BadArgumentError(f"min_accuracy: expected 0 to 1, such as 0.8, found {min_accuracy:g}")
    listed = choose(
        models(device_card(device).name if device else None),
        runs=device is not None, ram=size(ram), flash=size(flash), min_accuracy=min_accuracy,
        data=registry.dataset(data).name if data else None,
    )  # fmt: skip
    if plot:
        from eyespot.reports.plot import draw

        draw(listed, plot)
    return listed
