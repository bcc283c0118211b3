"""What an author may choose for one variable of Table 1, instead of the rules."""

from dataclasses import dataclass
from typing import Final, Literal

Summary = Literal["mean", "median"]
ContinuousTest = Literal["t-test", "welch", "rank"]
CategoricalTest = Literal["chi-square", "fisher"]


@dataclass(frozen=True)
class Choice:
    """How one variable is summarised and tested; what is None is left to the rules."""

    summary: Summary | None = None
    """Of a measurement: mean and standard deviation, or median and quartiles."""

    test: ContinuousTest | CategoricalTest | None = None
    """With three groups and more t-test and welch are analyses of variance; rank is Mann-Whitney or Kruskal-Wallis."""


BY_RULE: Final = Choice()
"""Nothing chosen."""
