"""The two shapes in which every number of this tool leaves it: an estimate with its interval, and a test."""

import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Estimate:
    """One number with its confidence interval, what it rests on and how it came about."""

    value: float
    """Not a number where the data do not define it; `note` then says why."""

    low: float | None
    """Lower bound of the interval; None where there is none."""

    high: float | None
    """Upper bound of the interval; None where there is none."""

    method: str
    """Estimator and interval in the field's words, such as `proportion, Wilson score interval`."""

    n: int
    """Units (patients, sides, nodes, pairs) that the number rests on."""

    count: int | None = None
    """Units that meet the criterion, for a proportion or an event count."""

    level: float = 0.95
    """Confidence level of the interval."""

    note: str | None = None
    """What a reader must know before believing it, such as why it is not defined."""

    @property
    def defined(self) -> bool:
        """Whether the data define the number."""
        return not math.isnan(self.value)


@dataclass(frozen=True)
class HypothesisTest:
    """One test with its statistic and p-value."""

    statistic: float
    """Not a number for an exact test that has none, or where the data do not define it."""

    p_value: float
    """Two-sided; not a number where the data do not define it."""

    method: str
    """Name of the test, such as `log-rank test`."""

    n: int
    """Units that the test rests on."""

    degrees_of_freedom: float | None = None
    note: str | None = None
    """What a reader must know before believing it."""

    details: dict[str, float] = field(default_factory=dict)
    """Further figures of the same test, by name."""

    @property
    def defined(self) -> bool:
        """Whether the data define the p-value."""
        return not math.isnan(self.p_value)
