"""Regression of the subdistribution hazard of one cause (Fine & Gray 1999)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analytics.estimate import HypothesisTest
from analytics.survival.cases import complete_cases
from analytics.survival.competing import with_cause_first
from analytics.survival.convergence import is_maximum
from analytics.survival.cox import Coefficient, coefficient
from analytics.survival.design import Design, Term
from analytics.survival.errors import MonotoneLikelihood, NoRobustVariance, NotConverged
from analytics.survival.identifiability import refuse_collinear
from analytics.survival.intervals import chi_square_p
from analytics.survival.kaplan_meier import kaplan_meier
from analytics.survival.times import FloatArray, Followup, IntArray

_ITERATIONS = 50
_HALVINGS = 30
# Fall of the log-likelihood, relative to it, that is rounding.
_ROUNDING = 1e-12
# Share of the model's own variance up to which a robust one is rounding: of residuals that cancel the last digits stay.
_CANCELLED = 1e-12
# Spread of one column's contribution to the log hazard from which separation is looked for, as for a Cox model.
_SUSPICIOUS_SPREAD = 12.0


@dataclass(frozen=True)
class FineGrayModel:
    """A fitted model; `covariance` is the sandwich of the paper, with the estimated censoring, shape (p, p)."""

    terms: tuple[Term, ...]
    coefficients: tuple[Coefficient, ...]
    """Their `hazard_ratio` is a ratio of subdistribution hazards."""

    beta: FloatArray
    covariance: FloatArray
    log_likelihood_null: float
    log_likelihood: float
    likelihood_ratio: HypothesisTest
    """Pseudo likelihood ratio: the weights make it approximate."""

    method: str
    cause: int
    n: int
    n_events: int
    n_competing: int
    followup: Followup
    """Follow-up of the patients in the model, the cause as event 1, every other as 2."""

    matrix: FloatArray
    """Shape (n, p), the covariates in the order of the rows given, centred on their means."""

    means: FloatArray
    """Shape (p,), what was taken off each column."""

    event_time: FloatArray
    """Shape (m,), distinct times of the cause, ascending."""

    hazard: FloatArray
    """Shape (m,), step of the baseline subdistribution hazard of a patient with mean covariates at each."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(item.column for item in self.coefficients)

    @property
    def linear_predictor(self) -> FloatArray:
        """Log subdistribution hazard relative to a patient with mean covariates, shape (n,)."""
        return np.asarray(self.matrix @ self.beta)

    def wald(self, names: Sequence[str]) -> HypothesisTest:
        """Return the joint Wald test of covariates, by the robust covariance."""
        columns = [column for term in self.terms if term.name in names for column in term.columns]
        beta = self.beta[columns]
        statistic = float(beta @ np.linalg.solve(self.covariance[np.ix_(columns, columns)], beta))
        name = f"robust Wald test of {', '.join(names)}"
        return HypothesisTest(statistic, chi_square_p(statistic, len(columns)), name, self.n, len(columns))


@dataclass(frozen=True)
class _Cohort:
    """Patients by ascending time, and the distinct times of the cause, shape (m,)."""

    time: FloatArray
    event: IntArray
    matrix: FloatArray
    moment: FloatArray
    """Distinct times of the cause."""

    count: FloatArray
    """Events of the cause at each of them."""

    first: IntArray
    """Position of the first patient with that time or a later one."""

    censoring: FloatArray
    """G(t-) of the censoring time at each of them."""

    weight: FloatArray
    """Shape (n,), 1 / G(T-) of patients with a competing event, 0 of all others."""


@dataclass(frozen=True)
class _Sums:
    """Weighted sums at one value of the coefficients."""

    relative: FloatArray
    """Relative hazards, shape (n,), over e to the `offset`."""

    offset: float
    denominator: FloatArray
    mean: FloatArray
    log_likelihood: float


def _refuse_rounding(robust: npt.NDArray[Any], usual: npt.NDArray[Any], columns: Sequence[str]) -> None:
    """Raise NoRobustVariance where residuals cancel but for rounding, by which a variance comes out as it happens."""
    lost = np.flatnonzero(~(robust > _CANCELLED * usual)).tolist()
    if lost:
        raise NoRobustVariance([columns[index] for index in lost])


def fine_gray(followup: Followup, design: Design, cause: int = 1, level: float = 0.95) -> FineGrayModel:
    """Fit the model to the complete cases of `design`; tied events as Breslow, as cmprsk's `crr`.

    Patients with a competing event stay at risk with weight G(t-) / G(T-), G being the Kaplan-Meier estimate of the
    censoring time. Raises NoEvents, CollinearCovariates, MonotoneLikelihood, NoRobustVariance
    and NotConverged.
    """
    name = f"a Fine-Gray model of cause {cause}"
    followup, _ = complete_cases(with_cause_first(followup, cause), design, None, name)
    means = design.matrix.mean(axis=0)
    cohort = _cohort(followup, design.matrix - means)
    start = _sums(cohort, np.zeros(len(design.columns)))
    refuse_collinear(_information(cohort, start), cohort.matrix, design.columns)
    beta, fitted = _maximise(cohort, start, design.columns)
    inverse = np.linalg.inv(_information(cohort, fitted))
    influence = _score_residuals(cohort, fitted) + _censoring_residuals(cohort, fitted)
    covariance = np.asarray(inverse @ (influence.T @ influence) @ inverse)
    _refuse_rounding(np.diag(covariance), np.diag(inverse), design.columns)
    ratio = 2 * (fitted.log_likelihood - start.log_likelihood)
    test, n = "pseudo likelihood-ratio test", len(followup)
    return FineGrayModel(
        terms=design.terms,
        coefficients=tuple(
            coefficient(
                column, float(b), float(se), f"subdistribution hazard ratio of {column}, Wald interval", followup, level
            )
            for column, b, se in zip(design.columns, beta, np.sqrt(np.diag(covariance)), strict=True)
        ),
        beta=beta,
        covariance=covariance,
        log_likelihood_null=start.log_likelihood,
        log_likelihood=fitted.log_likelihood,
        likelihood_ratio=HypothesisTest(ratio, chi_square_p(ratio, len(beta)), test, n, len(beta)),
        method=f"Fine-Gray regression of cause {cause}, Breslow ties, robust Wald interval",
        cause=cause,
        n=n,
        n_events=followup.n_events,
        n_competing=int((followup.event == 2).sum()),
        followup=followup,
        matrix=design.matrix - means,
        means=means,
        event_time=cohort.moment,
        hazard=cohort.count / fitted.denominator * np.exp(-fitted.offset),
    )


def _cohort(followup: Followup, matrix: FloatArray) -> _Cohort:
    order = np.argsort(followup.time, kind="stable")
    time, event = followup.time[order], followup.event[order]
    curve = kaplan_meier(followup.of_censoring())
    steps = np.concatenate([[1.0], curve.survival])
    moment, count = np.unique(time[event == 1], return_counts=True)

    def just_before(at: FloatArray) -> FloatArray:
        return np.asarray(steps[np.searchsorted(curve.table.time, at, side="left")])

    return _Cohort(
        time=time,
        event=event,
        matrix=matrix[order],
        moment=moment,
        count=count.astype(np.float64),
        first=np.searchsorted(time, moment, side="left").astype(np.int64),
        censoring=just_before(moment),
        weight=np.where(event == 2, 1 / just_before(time), 0.0),
    )


def _at_risk(cohort: _Cohort, values: FloatArray) -> FloatArray:
    """Return the weighted sum of `values` (n, ...) over the risk set of every distinct time, shape (m, ...)."""
    zero = np.zeros((1, *values.shape[1:]))
    tail = (-1, *[1] * (values.ndim - 1))
    later = np.concatenate([np.cumsum(values[::-1], axis=0)[::-1], zero])
    gone = np.concatenate([zero, np.cumsum(values * cohort.weight.reshape(tail), axis=0)])
    return np.asarray(later[cohort.first] + cohort.censoring.reshape(tail) * gone[cohort.first])


def _exposure(cohort: _Cohort, steps: FloatArray) -> FloatArray:
    """Return for every patient the sum of `steps` (m, ...) over the times at risk, weighted, shape (n, ...)."""
    zero = np.zeros((1, *steps.shape[1:]))
    tail = (-1, *[1] * (steps.ndim - 1))
    seen = np.searchsorted(cohort.moment, cohort.time, side="right")
    until = np.concatenate([zero, np.cumsum(steps, axis=0)])[seen]
    later = np.cumsum((steps * cohort.censoring.reshape(tail))[::-1], axis=0)[::-1]
    return np.asarray(until + cohort.weight.reshape(tail) * np.concatenate([later, zero])[seen])


def _sums(cohort: _Cohort, beta: FloatArray) -> _Sums:
    predictor = cohort.matrix @ beta
    offset = float(predictor.max())
    relative = np.exp(predictor - offset)
    denominator = _at_risk(cohort, relative)
    mean = _at_risk(cohort, relative[:, None] * cohort.matrix) / denominator[:, None]
    value = predictor[cohort.event == 1].sum() - cohort.count @ (np.log(denominator) + offset)
    return _Sums(relative, offset, denominator, mean, float(value))


def _score(cohort: _Cohort, sums: _Sums) -> FloatArray:
    return np.asarray(cohort.matrix[cohort.event == 1].sum(axis=0) - cohort.count @ sums.mean)


def _information(cohort: _Cohort, sums: _Sums) -> FloatArray:
    exposed = sums.relative * _exposure(cohort, cohort.count / sums.denominator)
    return np.asarray(
        (cohort.matrix * exposed[:, None]).T @ cohort.matrix - (sums.mean * cohort.count[:, None]).T @ sums.mean
    )


def _maximise(cohort: _Cohort, start: _Sums, columns: tuple[str, ...]) -> tuple[FloatArray, _Sums]:
    beta, here = np.zeros(len(columns)), start
    spread = np.ptp(cohort.matrix, axis=0)
    for _ in range(_ITERATIONS):
        score = _score(cohort, here)
        try:
            step = np.asarray(np.linalg.solve(_information(cohort, here), score), dtype=np.float64)
        except np.linalg.LinAlgError as error:
            raise MonotoneLikelihood(columns) from error
        if np.max(np.abs(beta) * spread) > _SUSPICIOUS_SPREAD:
            _refuse_separation(cohort, step, columns)
        reached = is_maximum(score, step, here.log_likelihood)
        following = _sums(cohort, beta + step)
        worst = here.log_likelihood - _ROUNDING * abs(here.log_likelihood)
        for _ in range(_HALVINGS):
            if following.log_likelihood >= worst:
                break
            step = step / 2
            following = _sums(cohort, beta + step)
        beta, here = beta + step, following
        if reached:
            return beta, here
    raise NotConverged("the Fine-Gray model", _ITERATIONS)


def _refuse_separation(cohort: _Cohort, step: FloatArray, columns: tuple[str, ...]) -> None:
    """Raise where moving on along a step raises the likelihood for ever, as for a Cox model."""
    along = cohort.matrix @ step
    still = np.maximum.accumulate(along[::-1])[::-1]
    gone = np.concatenate([[-np.inf], np.maximum.accumulate(np.where(cohort.weight > 0, along, -np.inf))])
    highest = np.maximum(still[cohort.first], gone[cohort.first])
    died = cohort.event == 1
    above = highest[np.searchsorted(cohort.moment, cohort.time[died])] - along[died]
    if not (above > 1e-3 * float(np.ptp(along))).any():
        moved = np.abs(step) * np.ptp(cohort.matrix, axis=0)
        raise MonotoneLikelihood([columns[i] for i in np.flatnonzero(moved > 1e-2 * moved.max())])


def _score_residuals(cohort: _Cohort, sums: _Sums) -> FloatArray:
    """Return each patient's part of the score with the censoring taken as known (eta of the paper), shape (n, p)."""
    hazard = cohort.count / sums.denominator
    own = np.zeros_like(cohort.matrix)
    died = cohort.event == 1
    own[died] = cohort.matrix[died] - sums.mean[np.searchsorted(cohort.moment, cohort.time[died])]
    expected = cohort.matrix * _exposure(cohort, hazard)[:, None] - _exposure(cohort, sums.mean * hazard[:, None])
    return np.asarray(own - sums.relative[:, None] * expected)


def _censoring_residuals(cohort: _Cohort, sums: _Sums) -> FloatArray:
    """Return what estimating the censoring distribution adds (psi of the paper), shape (n, p)."""
    censored, count = np.unique(cohort.time[cohort.event == 0], return_counts=True)
    at_risk = len(cohort.time) - np.searchsorted(cohort.time, censored, side="left")
    weighted = sums.relative * cohort.weight
    zero = np.zeros((1, cohort.matrix.shape[1]))
    # Patients with a competing event before each censoring time, and what they contribute from it on.
    gone = np.searchsorted(cohort.time, censored, side="left")
    mass = np.concatenate([[0.0], np.cumsum(weighted)])[gone]
    moved = np.concatenate([zero, np.cumsum(weighted[:, None] * cohort.matrix, axis=0)])[gone]
    step = cohort.censoring * cohort.count / sums.denominator
    later = np.searchsorted(cohort.moment, censored, side="left")
    hazard = np.concatenate([np.cumsum(step[::-1])[::-1], [0.0]])[later]
    means = np.concatenate([np.cumsum((step[:, None] * sums.mean)[::-1], axis=0)[::-1], zero])[later]
    q = (moved * hazard[:, None] - mass[:, None] * means) / at_risk[:, None]
    compensator = np.concatenate([zero, np.cumsum(q * (count / at_risk)[:, None], axis=0)])
    residual = -compensator[np.searchsorted(censored, cohort.time, side="right")]
    own = cohort.event == 0
    residual[own] += q[np.searchsorted(censored, cohort.time[own])]
    return np.asarray(residual)
