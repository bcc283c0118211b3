"""Readers and model against each other: every pair, Light's kappa, and human-human against human-model agreement."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from analytics.accuracy.bootstrap import Bootstrap, Statistic, intervals_of, sums_by_patient
from analytics.accuracy.columns import FloatArray
from analytics.agreement.cohen import cohen_kappa, kappas
from analytics.agreement.ratings import MISSING, Ratings, Weights, agreement_weights, pair_table
from analytics.estimate import Estimate, HypothesisTest


@dataclass(frozen=True)
class PairwiseAgreement:
    """Kappa of every pair of readers, as a heat map shows it."""

    raters: tuple[str, ...]
    kappa: FloatArray
    """(raters, raters) symmetric with 1 on the diagonal; not a number where it is not defined."""

    pairs: dict[tuple[str, str], Estimate]


@dataclass(frozen=True)
class HumanAndModel:
    """Whether the model agrees with the readers as they agree among themselves."""

    human_human: Estimate
    """Mean kappa of the pairs of readers."""

    human_model: Estimate
    """Mean kappa of each reader with the model."""

    difference: Estimate
    """Human-model less human-human; above 0 the model agrees better with the readers than they do."""


def pairwise_agreement(
    ratings: Ratings,
    weights: Weights = "identity",
    patients: npt.ArrayLike | None = None,
    plan: Bootstrap | None = None,
) -> PairwiseAgreement:
    """Return kappa of every pair, with large-sample intervals, or bootstrap ones given the patients (n,) of units."""
    plan, size = plan or Bootstrap(), len(ratings.categories)
    tables = {pair: pair_table(ratings.column(pair[0]), ratings.column(pair[1]), size) for pair in ratings.pairs()}
    pairs = {pair: cohen_kappa(table, weights, plan.level) for pair, table in tables.items()}
    if patients is not None:
        statistics = {str(pair): _mean_kappa([place], size, weights) for place, pair in enumerate(pairs)}
        bounds = intervals_of(statistics, _pair_sums(ratings, patients), plan)
        pairs = {
            pair: Estimate(
                each.value,
                bounds[str(pair)].low,
                bounds[str(pair)].high,
                f"{each.method.removesuffix(', large-sample interval')}, {plan.method}",
                each.n,
                level=plan.level,
                note=bounds[str(pair)].note if each.defined else each.note,
            )
            for pair, each in pairs.items()
        }
    matrix = np.eye(len(ratings.raters))
    for (one, two), estimate in pairs.items():
        row, column = ratings.raters.index(one), ratings.raters.index(two)
        matrix[row, column] = matrix[column, row] = estimate.value
    return PairwiseAgreement(ratings.raters, matrix, pairs)


def light_kappa(
    ratings: Ratings,
    weights: Weights = "identity",
    patients: npt.ArrayLike | None = None,
    plan: Bootstrap | None = None,
) -> Estimate:
    """Return the mean of the pairwise kappas, with an interval from resampling units or the patients (n,) they share.

    Light, Psychol Bull 1971;76:365-377. Only units that every reader rated count.
    """
    plan = plan or Bootstrap()
    complete, ids = _complete(ratings, patients)
    statistic = _mean_kappa(list(range(len(complete.pairs()))), len(complete.categories), weights)
    by = _by(plan, patients is not None, weights)
    (estimate,) = _estimates({"Light's kappa": statistic}, by, complete.n, _pair_sums(complete, ids), plan)
    return estimate


def light_test(ratings: Ratings) -> HypothesisTest:
    """Return the z-test of Light's kappa that R's irr prints, to compare with figures made there.

    It multiplies the pairs' chances to disagree, which has no ground in the paper: trust the interval of `light_kappa`.
    """
    complete, method = ratings.complete, "z-test of Light's kappa as in R's irr"
    n, size = complete.n, len(complete.categories)
    if n == 0:
        return HypothesisTest(math.nan, math.nan, method, 0, note="not defined: no complete unit")
    shares = [np.bincount(complete.column(rater), minlength=size) / n for rater in complete.raters]
    apart = [1 - float(shares[one] @ shares[two]) for one, two in np.argwhere(np.triu(np.ones([len(shares)] * 2), 1))]
    chance = 1 - len(apart) * math.prod(apart)
    value = light_kappa(complete, plan=Bootstrap(resamples=100)).value
    if math.isnan(value) or not 0 < chance < 1:
        return HypothesisTest(math.nan, math.nan, method, n, note="not defined: the variance is not positive")
    z = value / math.sqrt(chance / (n * (1 - chance)))
    return HypothesisTest(
        z, float(2 * norm.sf(abs(z))), method, n, note="kept for comparison; the variance has no ground"
    )


def conger_kappa(ratings: Ratings, patients: npt.ArrayLike | None = None, plan: Bootstrap | None = None) -> Estimate:
    """Return the exact kappa of several readers, with an interval as `light_kappa` makes it.

    Conger, Psychol Bull 1980;88:322-328: agreement of all pairs over what their own marginals give by chance.
    """
    plan = plan or Bootstrap()
    complete, ids = _complete(ratings, patients)
    statistic, by = _exact_kappa(len(complete.pairs()), len(complete.categories)), _by(plan, patients is not None)
    (estimate,) = _estimates({"Conger's exact kappa": statistic}, by, complete.n, _pair_sums(complete, ids), plan)
    return estimate


def compare_with_model(
    ratings: Ratings,
    model: str,
    weights: Weights = "identity",
    patients: npt.ArrayLike | None = None,
    plan: Bootstrap | None = None,
) -> HumanAndModel:
    """Return human-human and human-model agreement and their difference from the same resamples.

    Only units that everyone rated count. Raises ValueError for an unknown model or fewer than two readers beside it.
    """
    ratings.column(model)
    if len(ratings.raters) < 3:
        raise ValueError(f"raters are {', '.join(ratings.raters)}; two readers beside the model are needed")
    plan = plan or Bootstrap()
    complete, ids = _complete(ratings, patients)
    size, pairs = len(complete.categories), list(enumerate(complete.pairs()))
    human = _mean_kappa([place for place, pair in pairs if model not in pair], size, weights)
    other = _mean_kappa([place for place, pair in pairs if model in pair], size, weights)
    statistics: dict[str, Statistic] = {
        "mean kappa of the readers": human,
        "mean kappa of readers and model": other,
        "difference of mean kappas": lambda totals: other(totals) - human(totals),
    }
    by = _by(plan, patients is not None, weights)
    return HumanAndModel(*_estimates(statistics, by, complete.n, _pair_sums(complete, ids), plan))


def _estimates(statistics: dict[str, Statistic], by: str, n: int, sums: FloatArray, plan: Bootstrap) -> list[Estimate]:
    """Return each statistic with its interval, all from the same resamples."""
    bounds = intervals_of(statistics, sums, plan)
    estimates = []
    for name, statistic in statistics.items():
        value, note = float(statistic(sums.sum(axis=0)[None])[0]), bounds[name].note
        if math.isnan(value):
            note = "not defined: a pair of readers used one category only" if n else "not defined: no complete unit"
        estimates.append(
            Estimate(value, bounds[name].low, bounds[name].high, f"{name}, {by}", n, level=plan.level, note=note)
        )
    return estimates


def _by(plan: Bootstrap, clustered: bool, weights: Weights = "identity") -> str:
    method = plan.method if clustered else plan.method.replace("patient", "unit")
    return method if weights == "identity" else f"{weights} weights, {method}"


def _complete(ratings: Ratings, patients: npt.ArrayLike | None) -> tuple[Ratings, npt.NDArray[np.generic]]:
    ids = np.arange(ratings.n) if patients is None else np.asarray(patients)
    if ids.shape != (ratings.n,):
        raise ValueError(f"patients has shape {ids.shape}; one per unit is allowed, {ratings.n} here")
    return ratings.complete, ids[(ratings.codes != MISSING).all(axis=1)]


def _pair_sums(ratings: Ratings, patients: npt.ArrayLike) -> FloatArray:
    """Return for each patient (patients, pairs * k * k) how often each pair of readers called what."""
    size = len(ratings.categories)
    cells = []
    for one, two in ratings.pairs():
        first, second = ratings.column(one), ratings.column(two)
        both = (first != MISSING) & (second != MISSING)
        cells.append((first * size + second)[:, None] == np.arange(size * size))
        cells[-1] &= both[:, None]
    return sums_by_patient(patients, np.concatenate(cells, axis=1).astype(np.float64))


def _mean_kappa(pairs: list[int], size: int, weights: Weights) -> Statistic:
    w, cells = agreement_weights(weights, size), size * size

    def statistic(sums: FloatArray) -> FloatArray:
        each = [kappas(sums[:, place * cells : (place + 1) * cells], w) for place in pairs]
        return np.asarray(np.mean(each, axis=0), dtype=np.float64)

    return statistic


def _exact_kappa(pairs: int, size: int) -> Statistic:
    def statistic(sums: FloatArray) -> FloatArray:
        tables = sums.reshape(len(sums), pairs, size, size)
        n = np.maximum(tables[:, :1].sum(axis=(2, 3)), 1)
        observed = np.einsum("rpii->rp", tables) / n
        chance = np.einsum("rpi,rpi->rp", tables.sum(axis=3), tables.sum(axis=2)) / n**2
        rest = 1 - chance.mean(axis=1)
        defined = rest > 1e-12
        return np.where(defined, (observed - chance).mean(axis=1) / np.where(defined, rest, 1), np.nan)

    return statistic
