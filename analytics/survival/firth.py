"""Cox regression with Firth's penalty, for few events or perfect separation (Heinze & Schemper 2001)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from analytics.estimate import Estimate, HypothesisTest
from analytics.survival.cases import complete_cases
from analytics.survival.convergence import is_maximum
from analytics.survival.design import Design
from analytics.survival.errors import NotConverged
from analytics.survival.identifiability import refuse_collinear
from analytics.survival.intervals import chi_square_p, exponential
from analytics.survival.partial_likelihood import Moments, RiskSets, Ties, moments, risk_sets
from analytics.survival.times import BoolArray, FloatArray, Followup, Groups

_ITERATIONS = 100
_SHORTENINGS = 20
# Largest change of a column's contribution to the log hazard in one step, and one that is rounding.
_LONGEST_STEP = 3.0
_SETTLED = 1e-8


@dataclass(frozen=True)
class FirthCoefficient:
    """One column; interval and test come from the profile of the penalised likelihood."""

    column: str
    coefficient: float
    standard_error: float
    """From the inverse information; the interval does not use it."""

    hazard_ratio: Estimate
    test: HypothesisTest


@dataclass(frozen=True)
class FirthModel:
    """A fitted model; `covariance` is the inverse information, shape (p, p)."""

    coefficients: tuple[FirthCoefficient, ...]
    beta: FloatArray
    covariance: FloatArray
    penalised_log_likelihood: float
    likelihood_ratio: HypothesisTest
    """All columns together, by the penalised likelihood."""

    method: str
    n: int
    n_events: int


@dataclass(frozen=True)
class _Problem:
    sets: RiskSets
    matrix: FloatArray

    def value(self, at: Moments) -> float:
        """Return the log likelihood plus half the log determinant of the information (Jeffreys' prior)."""
        sign, log_determinant = np.linalg.slogdet(at.information(self.sets))
        return at.log_likelihood + 0.5 * float(log_determinant) if sign > 0 else -np.inf

    def scoring_step(self, at: Moments, free: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Return the score with Firth's correction, half the trace of I^-1 dI/db, and I^-1 times it, shape (p,) each.

        Both are 0 where a coefficient is not free. Raises NotConverged where the information is singular.
        """
        information = at.information(self.sets)
        score, step = np.zeros(len(free)), np.zeros(len(free))
        try:
            penalty = _trace_of_third_moments(self.sets, at, np.asarray(np.linalg.inv(information)))
            score[free] = (at.score(self.sets) + 0.5 * penalty)[free]
            step[free] = np.linalg.solve(information[np.ix_(free, free)], score[free])
        except np.linalg.LinAlgError as error:
            raise NotConverged("the penalised Cox model", _ITERATIONS) from error
        return score, step


def firth_cox(
    followup: Followup,
    design: Design,
    strata: Groups | None = None,
    ties: Ties = Ties.EFRON,
    level: float = 0.95,
) -> FirthModel:
    """Fit the penalised model; intervals and p-values are profile penalised likelihood. Rows are as for `cox`."""
    followup, strata = complete_cases(followup, design, strata, "a Cox model with Firth's penalty")
    sets = risk_sets(followup, strata, ties)
    matrix = (design.matrix - design.matrix.mean(axis=0))[sets.order]
    start = moments(sets, matrix, np.zeros(matrix.shape[1]))
    refuse_collinear(start.information(sets), matrix, design.columns)
    problem = _Problem(sets, matrix)
    free = np.ones(matrix.shape[1], dtype=np.bool_)
    beta, best = _maximise(problem, np.zeros(len(free)), free)
    covariance = np.asarray(np.linalg.inv(moments(sets, matrix, beta).information(sets)), dtype=np.float64)
    ratio = 2 * (best - problem.value(start))
    name = "penalised likelihood-ratio test"
    return FirthModel(
        coefficients=tuple(
            _coefficient(problem, design.columns, index, beta, best, covariance, followup, level)
            for index in range(len(beta))
        ),
        beta=beta,
        covariance=covariance,
        penalised_log_likelihood=best,
        likelihood_ratio=HypothesisTest(ratio, chi_square_p(ratio, len(beta)), name, len(followup), len(beta)),
        method=f"Cox regression with Firth's penalty, {ties} ties, profile penalised likelihood interval",
        n=len(followup),
        n_events=followup.n_events,
    )


def _coefficient(
    problem: _Problem,
    columns: tuple[str, ...],
    index: int,
    beta: FloatArray,
    best: float,
    covariance: FloatArray,
    followup: Followup,
    level: float,
) -> FirthCoefficient:
    error = float(np.sqrt(covariance[index, index]))
    free = np.arange(len(beta)) != index

    def drop(value: float) -> float:
        """Return twice the fall of the profile below its maximum when the coefficient is held at `value`."""
        # The other coefficients follow along the ridge of the likelihood.
        start = beta + covariance[:, index] / covariance[index, index] * (value - beta[index])
        start[index] = value
        return 2 * (best - _maximise(problem, start, free)[1])

    limit = float(chi2.ppf(level, 1))
    low, high = (_crossing(drop, float(beta[index]), sign * error, limit) for sign in (-1, 1))
    statistic = max(drop(0.0), 0.0)
    column, n = columns[index], len(followup)
    return FirthCoefficient(
        column=column,
        coefficient=float(beta[index]),
        standard_error=error,
        hazard_ratio=Estimate(
            value=exponential(float(beta[index])),
            low=None if low is None else exponential(low),
            high=None if high is None else exponential(high),
            method=f"hazard ratio of {column}, Firth's penalty, profile interval",
            n=n,
            count=followup.n_events,
            level=level,
            note=None if low is not None and high is not None else "the profile has no bound on one side",
        ),
        test=HypothesisTest(
            statistic, chi_square_p(statistic, 1), f"profile penalised likelihood-ratio test of {column}", n, 1
        ),
    )


def _crossing(drop: Callable[[float], float], centre: float, step: float, limit: float) -> float | None:
    """Return where the profile has fallen by `limit` on one side, or None where it never does."""
    # Relative to the coefficient's own scale: a covariate in small units has small coefficients.
    inner, tolerance = centre, 1e-9 * abs(step)
    for _ in range(12):
        outer = inner + 2 * step
        try:
            fallen = drop(outer)
        except NotConverged:
            return None
        if fallen > limit:
            return float(brentq(lambda value: drop(value) - limit, inner, outer, xtol=tolerance))
        inner, step = outer, 2 * step
    return None


def _maximise(problem: _Problem, beta: FloatArray, free: BoolArray) -> tuple[FloatArray, float]:
    """Maximise over the free coefficients from `beta`; return the coefficients and the penalised log likelihood.

    Scoring steps with the unpenalised information may overshoot, since the penalty bends the likelihood further;
    a step is shortened to where the slope along it vanishes, which rounding of the likelihood does not disturb.
    """
    spread = np.ptp(problem.matrix, axis=0)
    at = moments(problem.sets, problem.matrix, beta)
    for _ in range(_ITERATIONS if free.any() else 0):
        score, step = problem.scoring_step(at, free)
        step *= min(1.0, _LONGEST_STEP / max(float(np.max(np.abs(step) * spread)), 1e-300))
        for _ in range(_SHORTENINGS):
            at = moments(problem.sets, problem.matrix, beta + step)
            slope, reached = float(score @ step), float(problem.scoring_step(at, free)[0] @ step)
            if reached >= -0.25 * slope:
                break
            step = step * max(slope / (slope - reached), 0.1)
        beta = beta + step
        if np.max(np.abs(step) * spread) < _SETTLED:
            value = problem.value(at)
            if is_maximum(*problem.scoring_step(at, free), value):
                return beta, value
    if free.any():
        raise NotConverged("the penalised Cox model", _ITERATIONS)
    return beta, problem.value(at)


def _trace_of_third_moments(sets: RiskSets, at: Moments, inverse: FloatArray) -> FloatArray:
    """Return, shape (p,), the sum over events of the expectation at risk of q (x - mean).

    q is the squared length of x - mean in the metric of `inverse`; that is the trace of I^-1 dI/db. Sums over events
    of sums over patients are taken the other way round, so that no matrix per event is needed.
    """
    length = np.einsum("ij,ij->i", at.matrix @ inverse, at.matrix)
    moved = at.mean @ inverse
    own = np.einsum("ej,ej->e", moved, at.mean)
    squared = sets.sums(at.weight * length) / at.denominator
    third = at.matrix.T @ (length * at.exposure(sets, np.ones(len(own))))
    second = at.matrix.T @ np.einsum("ij,ij->i", at.matrix, at.exposure(sets, moved))
    return np.asarray(third - squared @ at.mean - 2 * (second - own @ at.mean))
