"""Cox's proportional-hazards model (1972): estimates, intervals, the three global tests, baseline hazard."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analytics.estimate import Estimate, HypothesisTest
from analytics.survival.cases import complete_cases
from analytics.survival.concordance import concordance
from analytics.survival.convergence import is_maximum
from analytics.survival.design import Design, Term
from analytics.survival.errors import InvalidCovariate, MonotoneLikelihood, NotConverged
from analytics.survival.identifiability import refuse_collinear, refuse_separation
from analytics.survival.intervals import chi_square_p, critical_value, exponential, normal_p
from analytics.survival.partial_likelihood import Moments, RiskSets, Ties, moments, risk_sets
from analytics.survival.times import FloatArray, Followup, Groups

_ITERATIONS = 60
# Fall of the log-likelihood, relative to it, that is rounding.
_ROUNDING = 1e-12
# Spread of one column's contribution to the log hazard from which separation is looked for.
_SUSPICIOUS_SPREAD = 12.0
_HALVINGS = 30


@dataclass(frozen=True)
class Coefficient:
    """One column of a Cox model."""

    column: str
    coefficient: float
    """Log hazard ratio."""

    standard_error: float
    z: float
    p_value: float
    hazard_ratio: Estimate


@dataclass(frozen=True)
class CoxModel:
    """A fitted model. Arrays over columns have shape (p,); `covariance` is the inverse information, (p, p)."""

    terms: tuple[Term, ...]
    coefficients: tuple[Coefficient, ...]
    beta: FloatArray
    covariance: FloatArray
    log_likelihood_null: float
    log_likelihood: float
    likelihood_ratio: HypothesisTest
    wald: HypothesisTest
    score: HypothesisTest
    method: str
    n: int
    n_events: int
    level: float
    ties: Ties
    followup: Followup
    """Follow-up of the patients in the model."""

    strata: Groups | None
    sets: RiskSets
    matrix: FloatArray
    """Shape (n, p), the covariates in the order of the rows given, centred on their means."""

    means: FloatArray
    """Shape (p,), what was taken off each column."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(item.column for item in self.coefficients)

    @property
    def linear_predictor(self) -> FloatArray:
        """Log hazard relative to a patient with mean covariates, shape (n,)."""
        return np.asarray(self.matrix @ self.beta)

    @cached_property
    def concordance(self) -> Estimate:
        """Harrell's C of the linear predictor on the patients that the model was fitted to."""
        return concordance(self.followup, self.linear_predictor, self.strata, self.level)

    def moments(self) -> Moments:
        """Return the sums over the risk sets at the estimates."""
        return moments(self.sets, self.matrix[self.sets.order], self.beta)

    def of_term(self, name: str) -> tuple[Coefficient, ...]:
        """Return the coefficients of one covariate."""
        return tuple(self.coefficients[column] for column in self._columns_of(name))

    def term_test(self, name: str) -> HypothesisTest:
        """Return the joint Wald test of all levels of one covariate."""
        columns = self._columns_of(name)
        beta = self.beta[columns]
        statistic = float(beta @ np.linalg.solve(self.covariance[np.ix_(columns, columns)], beta))
        return _chi_square(f"Wald test of {name}", statistic, len(columns), self.n)

    def _columns_of(self, name: str) -> list[int]:
        for term in self.terms:
            if term.name == name:
                return list(term.columns)
        raise InvalidCovariate(f"{name} is not in the model; it has {', '.join(term.name for term in self.terms)}")


def cox(
    followup: Followup,
    design: Design,
    strata: Groups | None = None,
    ties: Ties = Ties.EFRON,
    level: float = 0.95,
) -> CoxModel:
    """Fit the model by Newton's method to the complete cases of `design`.

    `followup` and `strata` have the rows of the table that `design` was made from, or of its complete cases. Raises
    NoEvents, CollinearCovariates, MonotoneLikelihood (which Firth's penalty mends) and NotConverged.
    """
    followup, strata = complete_cases(followup, design, strata, "a Cox model")
    sets = risk_sets(followup, strata, ties)
    means = design.matrix.mean(axis=0)
    matrix = design.matrix - means
    ordered = matrix[sets.order]
    start = moments(sets, ordered, np.zeros(len(means)))
    refuse_collinear(start.information(sets), ordered, design.columns)
    beta, fitted = _maximise(sets, ordered, start, design.columns)
    covariance = np.asarray(np.linalg.inv(fitted.information(sets)), dtype=np.float64)
    gain = fitted.log_likelihood - start.log_likelihood
    return CoxModel(
        terms=design.terms,
        coefficients=_coefficients(design.columns, beta, covariance, followup, level),
        beta=beta,
        covariance=covariance,
        log_likelihood_null=start.log_likelihood,
        log_likelihood=fitted.log_likelihood,
        likelihood_ratio=_chi_square("likelihood-ratio test", 2 * gain, len(beta), len(followup)),
        wald=_chi_square("Wald test", float(beta @ np.linalg.solve(covariance, beta)), len(beta), len(followup)),
        score=_chi_square("score (log-rank) test", _decrement(start, sets), len(beta), len(followup)),
        method=f"Cox regression, {ties} ties, Wald interval" + ("" if strata is None else ", stratified"),
        n=len(followup),
        n_events=followup.n_events,
        level=level,
        ties=ties,
        followup=followup,
        strata=strata,
        sets=sets,
        matrix=matrix,
        means=means,
    )


def _maximise(
    sets: RiskSets, matrix: FloatArray, start: Moments, columns: tuple[str, ...]
) -> tuple[FloatArray, Moments]:
    beta, here = np.zeros(matrix.shape[1]), start
    spread = np.ptp(matrix, axis=0)
    for _ in range(_ITERATIONS):
        score = here.score(sets)
        step = _solve(here.information(sets), score, columns)
        if np.max(np.abs(beta) * spread) > _SUSPICIOUS_SPREAD:
            refuse_separation(sets, matrix, step, columns)
        reached = is_maximum(score, step, here.log_likelihood)
        following = moments(sets, matrix, beta + step)
        worst = here.log_likelihood - _ROUNDING * abs(here.log_likelihood)
        for _ in range(_HALVINGS):
            if following.log_likelihood >= worst:
                break
            step = step / 2
            following = moments(sets, matrix, beta + step)
        beta, here = beta + step, following
        if reached:
            return beta, here
    raise NotConverged("the Cox model", _ITERATIONS)


def _solve(information: FloatArray, score: FloatArray, columns: tuple[str, ...]) -> FloatArray:
    try:
        return np.asarray(np.linalg.solve(information, score))
    except np.linalg.LinAlgError as error:
        raise MonotoneLikelihood(columns) from error


def _coefficients(
    columns: tuple[str, ...], beta: FloatArray, covariance: FloatArray, followup: Followup, level: float
) -> tuple[Coefficient, ...]:
    return tuple(
        coefficient(column, float(b), float(se), f"hazard ratio of {column}, Wald interval", followup, level)
        for column, b, se in zip(columns, beta, np.sqrt(np.diag(covariance)), strict=True)
    )


def coefficient(
    column: str, log_ratio: float, standard_error: float, method: str, followup: Followup, level: float
) -> Coefficient:
    """Return one column's line of a regression table with its Wald interval and test."""
    z, width = log_ratio / standard_error, critical_value(level) * standard_error
    low, high = (exponential(log_ratio + sign * width) for sign in (-1, 1))
    ratio = Estimate(exponential(log_ratio), low, high, method, len(followup), followup.n_events, level)
    return Coefficient(column, log_ratio, standard_error, z, normal_p(z), ratio)


def _decrement(here: Moments, sets: RiskSets) -> float:
    score = here.score(sets)
    return float(score @ np.linalg.solve(here.information(sets), score))


def _chi_square(name: str, statistic: float, df: int, n: int) -> HypothesisTest:
    return HypothesisTest(statistic, chi_square_p(statistic, df), name, n, df)
