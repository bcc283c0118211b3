"""Intervals of intraclass correlations by resampling patients: sizes need not be normal, and readers may be few.

Those by the F-distribution (`icc`) cover too seldom in simulated cohorts (benchmarks/results/interval_coverage.md):
measured sizes are skewed, and three readers say little of the spread of all readers.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from analytics.accuracy.bootstrap import Bootstrap, Statistic, bootstrap_interval, sums_by_patient
from analytics.accuracy.columns import FloatArray
from analytics.agreement.icc import intraclass_correlation
from analytics.estimate import Estimate

FEW_READERS = 10
"""With fewer the note of an interval for readers as a sample says that they are few."""

_ROUNDING = 1e-13


def icc_of_these_readers(
    values: npt.ArrayLike,
    model: Literal["ICC2", "ICC3"] = "ICC3",
    patients: npt.ArrayLike | None = None,
    plan: Bootstrap | None = None,
) -> Estimate:
    """Return the intraclass correlation of measurements (n, readers) for these very readers, and no others.

    ICC2 counts their differences in level as disagreement, ICC3 does not. The interval resamples units, or the
    patients (n,) that units share (Ukoumunne et al., Stat Med 2003;22:3805-3821). Units with a missing measurement do
    not count. Raises ValueError for values that are no such table.
    """
    plan = plan or Bootstrap()
    formula = _absolute if model == "ICC2" else _consistency

    def statistic(sums: FloatArray) -> FloatArray:
        between, readers, error, n = _mean_squares(sums)
        return formula(between, readers, error, n, _readers(sums))

    by = plan.method if patients is not None else plan.method.replace("patient", "unit")
    point = _point(values, model, plan, f"{model} of these readers, {by}")
    return _with_interval(point, values, patients, plan, statistic) if point.defined else point


def icc_of_sampled_readers(
    values: npt.ArrayLike, patients: npt.ArrayLike | None = None, plan: Bootstrap | None = None
) -> Estimate:
    """Return the ICC2 of measurements (n, readers) for readers of whom these are a sample, absolute agreement.

    A generalised interval (Weerahandi, J Am Stat Assoc 1993;88:899-905; Tian and Cappelleri, Stat Med 2004;23:
    2125-2135): the mean square of readers is drawn as (k - 1) MSR / chi-square of k - 1 degrees of freedom, that is,
    readers' levels are taken as normal. Those between units and of the rest, which the papers draw so too, are
    MS^2 / MS* with MS* of resampled units or patients: with skewed sizes the normal law does not hold (Ionan et al.,
    BMC Med Res Methodol 2014;14:121). Raises ValueError for a bootstrap that is not of the percentile kind and for
    values that are no table.
    """
    plan = plan or Bootstrap()
    if plan.kind != "percentile":
        raise ValueError(f"kind is {plan.kind!r}; a generalised interval takes percentile alone")
    method = f"ICC2 of readers as a sample, generalised interval, {plan.resamples} resamples"
    point = _point(values, "ICC2", plan, method)
    if not point.defined:
        return point
    table = _complete(values)
    whole = _sums(table, np.arange(len(table))).sum(axis=0, keepdims=True)

    def statistic(sums: FloatArray) -> FloatArray:
        between, _, error, _ = _mean_squares(sums)
        of_units, of_readers, of_rest, n = _mean_squares(whole)
        degrees = _readers(sums) - 1
        drawn = degrees * of_readers / _chi_squares(degrees, len(sums), plan.seed)
        return _absolute(_pivot(of_units, between), drawn, _pivot(of_rest, error), n, _readers(sums))

    found = _with_interval(point, values, patients, plan, statistic)
    if table.shape[1] >= FEW_READERS or found.low is None:
        return found
    few = f"{table.shape[1]} readers are few to stand for all readers"
    return replace(found, note=f"{few}; {found.note}" if found.note else few)


def _chi_squares(degrees: int, size: int, seed: int) -> FloatArray:
    """Return as many chi-squares in random order, evenly spread over the law so that chance does not move its tails."""
    # A stream of its own, apart from the one that resamples.
    place = np.random.default_rng([seed, degrees]).permutation(size)
    return np.asarray(chi2.ppf((place + 0.5) / size, degrees), dtype=np.float64)


def _pivot(observed: FloatArray, resampled: FloatArray) -> FloatArray:
    """Return observed^2 / resampled (rows,); 0 where nothing was observed, NaN where a resample alone has nothing."""
    some = resampled > 0
    return np.where(some, observed**2 / np.where(some, resampled, 1), np.where(observed > 0, np.nan, 0.0))


def _point(values: npt.ArrayLike, model: Literal["ICC2", "ICC3"], plan: Bootstrap, method: str) -> Estimate:
    point = intraclass_correlation(values, model, plan.level).coefficient
    return replace(point, method=method, low=None, high=None)


def _with_interval(
    point: Estimate, values: npt.ArrayLike, patients: npt.ArrayLike | None, plan: Bootstrap, statistic: Statistic
) -> Estimate:
    measured = np.asarray(~np.isnan(np.asarray(values, dtype=np.float64)).any(axis=1))
    ids = np.arange(len(measured)) if patients is None else np.asarray(patients)
    if ids.shape != measured.shape:
        raise ValueError(f"patients has shape {ids.shape}; one per unit is allowed, {len(measured)} here")
    bounds = bootstrap_interval(statistic, _sums(_complete(values), ids[measured]), plan)
    return replace(point, low=bounds.low, high=bounds.high, note=bounds.note)


def _complete(values: npt.ArrayLike) -> FloatArray:
    table = np.asarray(values, dtype=np.float64)
    return table[~np.isnan(table).any(axis=1)]


def _sums(table: FloatArray, ids: npt.NDArray[np.generic]) -> FloatArray:
    """Return by patient what all mean squares follow from: n, squares, squared sums of units, readers' sums."""
    # Taken from their mean, so that the sums of squares lose no digits.
    away = table - table.mean()
    columns = [np.ones(len(away)), (away**2).sum(axis=1), away.sum(axis=1) ** 2, *away.T]
    return sums_by_patient(ids, np.stack(columns, axis=1))


def _readers(sums: FloatArray) -> int:
    return int(sums.shape[1]) - 3


def _mean_squares(sums: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the mean squares between units, of readers and of the rest, and n, each (rows,); NaN below two units."""
    k = _readers(sums)
    n = np.where(sums[:, 0] > 1, sums[:, 0], np.nan)
    grand = sums[:, 3:].sum(axis=1) ** 2 / (n * k)
    total = sums[:, 1] - grand
    units, readers = sums[:, 2] / k - grand, (sums[:, 3:] ** 2).sum(axis=1) / n - grand
    # What rounding leaves of a sum of zeros must not become a variance.
    units, readers, rest = (
        np.where(each < _ROUNDING * total, 0.0, each) for each in (units, readers, total - units - readers)
    )
    return units / (n - 1), readers / (k - 1), rest / ((n - 1) * (k - 1)), n


def _absolute(between: FloatArray, readers: FloatArray, error: FloatArray, n: FloatArray, k: int) -> FloatArray:
    return _ratio(between - error, between + (k - 1) * error + k * (readers - error) / n)


def _consistency(between: FloatArray, readers: FloatArray, error: FloatArray, n: FloatArray, k: int) -> FloatArray:
    return _ratio(between - error, between + (k - 1) * error)


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    defined = below > 0
    return np.where(defined, above / np.where(defined, below, 1), np.nan)
