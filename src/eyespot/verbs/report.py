"""report: the Model List, every cell with its source; or one page about one model."""

from __future__ import annotations

from pathlib import Path

from eyespot.arguments import verb
from eyespot.errors import BadArgumentError
from eyespot.reports.model_list import Report, model_list
from eyespot.reports.page.written import Page


@verb
def report(model: str | None = None, *, html: bool | Path = False) -> Report | Page:
    """Write the Model List, or one HTML page about a model.

    The list has the columns of NXP's page: our measurements beside what others published; every accuracy with
    its 95 % interval, n and source. A number whose chain of digests does not verify is refused. The page needs
    no network. It shows what `train`, `quantize`, `evaluate`, `measure` and `make` found out; it measures
    nothing.

    Example: eyespot report mine/ --html

    Args:
        model: A model, a .tflite file or a folder that `train` or `make` wrote; the Model List by default.
        html: The page's file; report.html in the model's folder by default.
    """
    if model is None:
        if html:
            raise BadArgumentError("--html: name a model first, as in: eyespot report mine/ --html")
        return model_list()
    if not html:
        raise BadArgumentError(f"{model}: its report is a page; add --html, or --html FILE")
    from eyespot.reports.page.document import write_page  # which loads numpy and matplotlib

    return write_page(model, None if html is True else html)
