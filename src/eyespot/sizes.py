"""Sizes as people write them: 256k, 1M, 300000."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter, Token

from eyespot.errors import RefusedError

UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def size(text: str) -> int:
    """Bytes of a size; k, M and G (also kB, KiB, ...) are powers of 1,024. ValueError for anything else."""
    found = re.fullmatch(r"([\d_,]*\d(?:\.\d+)?)\s*([kmg]?)(?:i?b)?", text.strip().lower())
    if not found:
        raise ValueError(f"{text!r} is no size; write 256k, 1M or 300000")
    return round(float(found[1].replace(",", "").replace("_", "")) * UNITS[found[2]])


def positive(**values: int | None) -> None:
    """RefusedError for a count below 1; None is for what was not asked."""
    for name, value in values.items():
        if value is not None and value < 1:
            raise RefusedError(f"--{name} {value}: expected 1 or more")


def _converted(_: Any, tokens: Sequence[Token]) -> int:
    return size(tokens[0].value)


Bytes = Annotated[int | None, Parameter(converter=_converted)]
