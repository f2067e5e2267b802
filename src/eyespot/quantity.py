"""Numbers with what they are worth, and the 95 % interval that every accuracy carries."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log, sqrt
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
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)  # rounding can pass both ends


def paired(won: int, lost: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % interval of (won - lost) / n, the difference of two shares of the same n images.

    The adjusted Wald interval of Bonett and Price, British Journal of Mathematical and Statistical
    Psychology 65, 2012.
    """
    first, second = (won + 1) / (n + 2), (lost + 1) / (n + 2)
    reach = z * sqrt((first + second - (first - second) ** 2) / (n + 2))
    return max(-1.0, first - second - reach), min(1.0, first - second + reach)


def at_least(k: int, n: int, share: float) -> float:
    """The probability of k or more successes in n trials, each of probability `share` (above 0, below 1)."""
    if k <= 0:
        return 1.0
    ways = (lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) for i in range(k, n + 1))
    terms = zip(range(k, n + 1), ways, strict=True)
    return min(1.0, sum(exp(way + i * log(share) + (n - i) * log(1 - share)) for i, way in terms))
