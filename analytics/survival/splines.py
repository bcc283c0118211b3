"""Whether a covariate acts on a straight line: restricted cubic splines against the line."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.estimate import HypothesisTest
from analytics.survival.cox import cox
from analytics.survival.design import Number, design
from analytics.survival.errors import UnusableCovariate
from analytics.survival.intervals import chi_square_p
from analytics.survival.times import FloatArray, Followup

_PLACES = (0.05, 0.35, 0.65, 0.95)
"""Quantiles of four knots (Harrell, Regression Modeling Strategies 2015, table 2.3)."""


@dataclass(frozen=True)
class Spline:
    """A restricted cubic spline, linear beyond its outer knots."""

    knots: FloatArray
    """Shape (k,), ascending, k of at least 3."""

    def basis(self, values: FloatArray) -> FloatArray:
        """Return the columns beside the line, shape (n, k - 2), for values (n,).

        Stone & Koo 1985 as in Harrell's `rcspline.eval`: over the squared range of the knots, so that the columns have
        the unit of the values.
        """
        t = self.knots
        last, before = t[-1], t[-2]

        def cube(knot: float) -> FloatArray:
            return np.asarray(np.maximum(values - knot, 0.0) ** 3)

        columns = [
            cube(knot) - cube(before) * (last - knot) / (last - before) + cube(last) * (before - knot) / (last - before)
            for knot in t[:-2]
        ]
        return np.asarray(np.stack(columns, axis=1) / (last - t[0]) ** 2, dtype=np.float64)


def spline_of(values: FloatArray) -> Spline:
    """Return the spline with four knots at the usual quantiles; raises UnusableCovariate where they coincide."""
    knots = np.quantile(values, _PLACES)
    if len(np.unique(knots)) < len(_PLACES):
        raise UnusableCovariate("too few different values for the four knots of a spline")
    return Spline(knots)


def nonlinearity_test(followup: Followup, values: "pd.Series[float]") -> HypothesisTest:
    """Return the likelihood-ratio test of a Cox model with the spline of a covariate against the one with its line.

    `values` has one number per patient, missing ones left out. Raises as `cox` and `spline_of` do.
    """
    known = values.notna().to_numpy()
    numbers = np.asarray(values.to_numpy()[known], dtype=np.float64)
    observed = followup.take(known)
    curve = spline_of(numbers).basis(numbers)
    names = [f"curve {column}" for column in range(curve.shape[1])]
    table = pd.DataFrame(curve, columns=names).assign(line=numbers)
    line = cox(observed, design(table, [Number("line")]))
    bent = cox(observed, design(table, [Number("line"), *map(Number, names)]))
    statistic = max(2 * (bent.log_likelihood - line.log_likelihood), 0.0)
    method = "likelihood-ratio test of a restricted cubic spline with four knots against the line"
    return HypothesisTest(statistic, chi_square_p(statistic, len(names)), method, line.n, len(names))
