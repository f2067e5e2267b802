"""report: the Model List, every cell with its source."""

from __future__ import annotations

from eyespot.arguments import verb
from eyespot.reports.model_list import Report, model_list


@verb
def report() -> Report:
    """Write the Model List in Markdown: our measurements, beside what others published.

    Columns as on NXP's page; every accuracy with its 95 % interval, n and source. A number whose chain
    of digests does not verify is refused.

    Example: eyespot report > model-list.md
    """
    return model_list()
