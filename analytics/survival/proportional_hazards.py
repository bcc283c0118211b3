"""Whether hazards stay proportional: the score test of R's `cox.zph` (survival >= 3) and what its plot shows."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import stats
from scipy.interpolate import BSpline

from analytics.estimate import HypothesisTest
from analytics.survival.cox import CoxModel
from analytics.survival.errors import InvalidCovariate
from analytics.survival.intervals import chi_square_p, critical_value
from analytics.survival.kaplan_meier import kaplan_meier
from analytics.survival.times import FloatArray


class TimeScale(StrEnum):
    """How time enters the alternative that an effect changes linearly over it."""

    KAPLAN_MEIER = "km"
    """1 - S(t-) of all patients; R's default, little moved by long follow-up of a few."""

    RANK = "rank"
    IDENTITY = "identity"
    LOG = "log"


@dataclass(frozen=True)
class ProportionalHazards:
    """The test of every covariate and of all together."""

    by_term: dict[str, HypothesisTest]
    overall: HypothesisTest
    """R's row GLOBAL."""

    scale: TimeScale


@dataclass(frozen=True)
class ResidualPlot:
    """What is drawn for one column of the model: its effect over time, as far as the data show it."""

    column: str
    time: FloatArray
    """Shape (events,), event times, ascending, in the unit of the follow-up."""

    scaled_time: FloatArray
    """Shape (events,), the same on the time scale of the test."""

    residual: FloatArray
    """Shape (events,), scaled Schoenfeld residual plus the coefficient: a noisy log hazard ratio at that time."""

    coefficient: float
    """The constant log hazard ratio of the model."""

    smooth_at: FloatArray
    """Shape (k,), points on the time scale at which the smooth line is given."""

    smooth: FloatArray
    low: FloatArray
    high: FloatArray
    """Shape (k,), natural-spline fit to the residuals and its pointwise interval."""


def proportional_hazards_test(model: CoxModel, scale: TimeScale = TimeScale.KAPLAN_MEIER) -> ProportionalHazards:
    """Return the score tests of adding covariate times g(t) to the model.

    Unlike Grambsch & Therneau (1994) they do not take the covariance at risk for the same at all times.
    """
    g = _entry_times(model, scale)
    at = model.moments()
    size = len(model.beta)
    residual = at.matrix[model.sets.died] - at.mean
    score = np.concatenate([np.zeros(size), residual.T @ g])
    plain, first, second = (at.information(model.sets, factor) for factor in (np.ones_like(g), g, g**2))
    information = np.block([[plain, first], [first, second]])

    def test(name: str, columns: tuple[int, ...]) -> HypothesisTest:
        kept = [*range(size), *(size + column for column in columns)]
        u = score[kept]
        try:
            statistic = float(u @ np.linalg.solve(information[np.ix_(kept, kept)], u))
        except np.linalg.LinAlgError:
            return HypothesisTest(np.nan, np.nan, name, model.n, len(columns), "too few event times for this test")
        return HypothesisTest(statistic, chi_square_p(statistic, len(columns)), name, model.n, len(columns))

    title = f"score test of proportional hazards, {scale} time scale"
    by_term = {term.name: test(f"{title}, {term.name}", term.columns) for term in model.terms}
    return ProportionalHazards(by_term, test(f"{title}, all covariates", tuple(range(size))), scale)


def residual_plot(
    model: CoxModel, column: str, scale: TimeScale = TimeScale.KAPLAN_MEIER, points: int = 40, level: float = 0.95
) -> ResidualPlot:
    """Return scaled Schoenfeld residuals of one column and a smooth line with its interval (4 degrees of freedom)."""
    if column not in model.columns:
        raise InvalidCovariate(f"{column} is not a column of the model; it has {', '.join(model.columns)}")
    index = model.columns.index(column)
    at = model.moments()
    # Tied events share the mean of their risk sets, as in R.
    sets = model.sets
    mean = sets.by_time(at.mean) / np.bincount(sets.entry)[:, None]
    residuals = at.matrix[sets.died] - mean[sets.entry]
    scaled = model.n_events * residuals @ model.covariance[:, index] + model.beta[index]
    time, g = model.sets.time[model.sets.died], _entry_times(model, scale, centred=False)
    order = np.argsort(time, kind="stable")
    time, g, scaled = time[order], g[order], scaled[order]
    smooth_at = np.linspace(g[0], g[-1], points)
    spread = np.sqrt(model.n_events * model.covariance[index, index])
    smooth, error = _smooth(g, scaled, smooth_at, float(spread))
    width = critical_value(level) * error
    return ResidualPlot(
        column, time, g, scaled, float(model.beta[index]), smooth_at, smooth, smooth - width, smooth + width
    )


def _entry_times(model: CoxModel, scale: TimeScale, centred: bool = True) -> FloatArray:
    """Return g(t) of every event, shape (events,), in the order of the model's risk sets."""
    sets = model.sets
    time = sets.time[sets.died]
    if scale is TimeScale.KAPLAN_MEIER:
        curve = kaplan_meier(model.followup)
        before = np.searchsorted(curve.table.time, time, side="left")
        g = 1 - np.concatenate([[1.0], curve.survival])[before]
    elif scale is TimeScale.RANK:
        g = stats.rankdata(sets.time)[sets.died]
    elif scale is TimeScale.LOG:
        if (time <= 0).any():
            raise InvalidCovariate("the logarithmic time scale needs event times above 0")
        g = np.log(time)
    else:
        g = time
    # Centring changes no test, but keeps the information matrix away from singular.
    return np.asarray(g - g.mean() if centred else g)


def _smooth(x: FloatArray, y: FloatArray, at: FloatArray, spread: float) -> tuple[FloatArray, FloatArray]:
    """Fit a natural cubic spline with four degrees of freedom; return its values and standard errors at `at`."""
    inner = np.unique(np.quantile(x, [1 / 3, 2 / 3]))
    inner = inner[(inner > x[0]) & (inner < x[-1])]
    if len(np.unique(x)) < 5:
        basis, at_basis = np.ones((len(x), 1)), np.ones((len(at), 1))
    else:
        basis, at_basis = _natural_basis(x, x, inner), _natural_basis(at, x, inner)
    inverse = np.linalg.pinv(basis.T @ basis)
    fitted = at_basis @ (inverse @ (basis.T @ y))
    return fitted, spread * np.sqrt(np.einsum("ij,jk,ik->i", at_basis, inverse, at_basis))


def _natural_basis(at: FloatArray, x: FloatArray, inner: FloatArray) -> FloatArray:
    """Return cubic B-splines whose second derivative vanishes at both ends of `x`, shape (len(at), inner + 2)."""
    knots = np.concatenate([[x[0]] * 4, inner, [x[-1]] * 4])
    size = len(knots) - 4
    ends = np.stack([BSpline(knots, np.eye(size), 3).derivative(2)(edge) for edge in (x[0], x[-1])])
    free = np.linalg.svd(ends)[2][2:].T
    return np.asarray(BSpline(knots, np.eye(size), 3)(at) @ free)
