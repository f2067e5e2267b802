"""fetch: a data set, from its publisher or from a copy of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from eyespot.arguments import verb
from eyespot.data import catalogue
from eyespot.data import fetch as engine
from eyespot.data.fetch import Fetched


@verb
def fetch(
    data: str, *, from_: Annotated[Path | None, Parameter(name="--from")] = None, unverified: bool = False
) -> Fetched:
    """Get a data set, verify it and lay it out under $EYESPOT_DATA.

    A data set that is there and whole is left alone; a download that was stopped continues.

    Example: eyespot fetch cifar-10

    Args:
        data: Name of a data set.
        from_: The publisher's archive, or a folder with what it holds, instead of a download.
        unverified: Download also what no published digest can verify.
    """
    return engine.fetch(catalogue.dataset(data), from_, unverified)
