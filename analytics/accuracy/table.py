"""The 2x2 table that every figure of accuracy derives from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.accuracy.columns import FloatArray, binary_column, check_lengths


@dataclass(frozen=True)
class Counts2x2:
    """Units by reference and by test. Raises ValueError for a negative or broken count."""

    tp: int
    """Positive by reference and by test."""

    fn: int
    """Positive by reference, missed by the test."""

    fp: int
    """Negative by reference, positive by the test."""

    tn: int
    """Negative by both."""

    def __post_init__(self) -> None:
        for name in ("tp", "fn", "fp", "tn"):
            value = getattr(self, name)
            if value < 0 or value != int(value):
                raise ValueError(f"{name} is {value}; a count must be a whole number of 0 or more")

    @property
    def positives(self) -> int:
        """Units that the reference calls positive."""
        return self.tp + self.fn

    @property
    def negatives(self) -> int:
        """Units that the reference calls negative."""
        return self.fp + self.tn

    @property
    def n(self) -> int:
        """All units."""
        return self.positives + self.negatives

    @property
    def cells(self) -> FloatArray:
        """The counts (1, 4) in the order tp, fn, fp, tn."""
        return np.array([[self.tp, self.fn, self.fp, self.tn]], dtype=np.float64)


def cell_columns(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> FloatArray:
    """Return for each unit (n, 4) which cell of tp, fn, fp, tn it falls into, as 0 and 1."""
    reference, test = binary_column("truth", truth), binary_column("predicted", predicted)
    check_lengths(truth=reference, predicted=test)
    cells = (reference & test, reference & ~test, ~reference & test, ~reference & ~test)
    return np.stack(cells, axis=1).astype(np.float64)


def counts_2x2(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> Counts2x2:
    """Return the table of two columns (n,) of truth values. Raises ValueError as `binary_column` does."""
    tp, fn, fp, tn = cell_columns(truth, predicted).sum(axis=0).astype(int)
    return Counts2x2(int(tp), int(fn), int(fp), int(tn))
