"""Numbers with what they are worth, and the 95 % interval that every accuracy carries."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Annotated, Literal

from msgspec import Meta

Count = Annotated[int, Meta(ge=0, le=2**53)]
Size = Annotated[float, Meta(ge=0, le=1e18)]
Share = Annotated[float, Meta(ge=0, le=1)]
Kind = Literal["measured", "rule", "estimate", "quoted"]


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A number: `value`, or a range from `low` to `high`, or both; `n` is how many were counted.

    `tool` names what measured or computed it, with its version; `source` who published it.
    """

    value: Count | Size | None = None
    unit: str
    low: Size | None = None
    high: Size | None = None
    n: Count | None = None
    kind: Kind
    tool: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        """ValueError without a number."""
        if self.value is None and not self.ranged:
            raise ValueError("expected a value, or low and high in this order")

    @property
    def ranged(self) -> bool:
        """Whether it has a range."""
        return self.low is not None and self.high is not None and self.low <= self.high


def quantities(
    unit: str, *, kind: Kind = "measured", tool: str = "", source: str = "", **values: float
) -> dict[str, Quantity]:
    """Values of one unit and origin, by name."""
    return {
        name: Quantity(value=value, unit=unit, kind=kind, tool=tool, source=source) for name, value in values.items()
    }


def wilson(correct: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson, JASA 22, 1927)."""
    share, scale = correct / n, 1 + z * z / n
    middle = share + z * z / (2 * n)
    reach = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (middle - reach) / scale, (middle + reach) / scale
