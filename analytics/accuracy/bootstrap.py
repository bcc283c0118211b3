"""Intervals by resampling whole patients, for figures whose units share a patient.

Whatever is computed here depends on sums over patients only, so that a resample is one weighted sum and 2,000 of them
take well under a second: patients with equal sums are drawn together, by one multinomial.
Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 14; Field and Welsh, J R Stat Soc B
2007;69:369-390.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from analytics.accuracy.columns import FloatArray, IntArray, check_level

BootstrapKind = Literal["percentile", "BCa"]
Statistic = Callable[[FloatArray], FloatArray]
"""Takes sums (resamples, columns) and gives one number each, not a number where they do not define it."""

_DRAWN_TOGETHER = 256
_ALIKE = 4
"""Patients of one kind, on average, from which on a draw of kinds is quicker than one of patients."""

_CHUNK = 50
_ONE_THREAD = 200_000


@dataclass(frozen=True)
class Bootstrap:
    """How patients are resampled."""

    resamples: int = 2000
    """Enough for the second digit of a 95 % bound."""

    seed: int = 1979
    """Fixed, so that a second run gives the same interval."""

    kind: BootstrapKind = "percentile"
    level: float = 0.95

    def __post_init__(self) -> None:
        check_level(self.level)
        if self.resamples < 100:
            raise ValueError(f"resamples is {self.resamples}; at least 100 are needed for an interval")
        if self.kind not in get_args(BootstrapKind):
            raise ValueError(f"kind is {self.kind!r}; allowed are {', '.join(get_args(BootstrapKind))}")

    @property
    def method(self) -> str:
        """The words for a report."""
        return f"{self.kind} bootstrap by patient, {self.resamples} resamples"


@dataclass(frozen=True)
class BootstrapInterval:
    """Bounds, or None with the reason."""

    low: float | None
    high: float | None
    note: str | None


def sums_by_patient(patients: npt.ArrayLike, values: FloatArray) -> FloatArray:
    """Return the sums (patients, columns) of values (n, columns) over the rows of each patient."""
    ids = np.asarray(patients)
    if ids.shape != (len(values),):
        raise ValueError(f"patients has shape {ids.shape}; one per row is allowed, {len(values)} here")
    codes = patient_codes(ids)
    size = int(codes.max()) + 1 if len(codes) else 0
    return np.stack([np.bincount(codes, column, size) for column in values.T], axis=1)


def patient_codes(patients: npt.ArrayLike) -> IntArray:
    """Return 0, 1, ... for each row's patient. Raises ValueError for a missing patient."""
    ids = np.asarray(patients)
    if ids.dtype == object:
        ids = np.array(["" if each is None or each != each else str(each) for each in ids], dtype=np.str_)
        missing = int((ids == "").sum())
    else:
        missing = int(np.isnan(ids).sum()) if ids.dtype.kind == "f" else 0
    if missing:
        raise ValueError(f"patients has {missing} missing values; every row needs its patient")
    return np.unique(ids, return_inverse=True)[1].astype(np.int64).reshape(-1)


def bootstrap_interval(statistic: Statistic, sums: FloatArray, plan: Bootstrap) -> BootstrapInterval:
    """Return the interval of a statistic of the total of sums (patients, columns), by resampling patients."""
    return intervals_of({"": statistic}, sums, plan)[""]


def intervals_of(statistics: dict[str, Statistic], sums: FloatArray, plan: Bootstrap) -> dict[str, BootstrapInterval]:
    """Return the intervals of several statistics from the same resamples."""
    if len(sums) < 2:
        return dict.fromkeys(statistics, BootstrapInterval(None, None, f"no interval: {len(sums)} patients"))
    kinds, counts = np.unique(sums, axis=0, return_counts=True)
    drawn = _resampled(kinds, counts, plan)
    return {name: _interval(statistic, kinds, counts, drawn, plan) for name, statistic in statistics.items()}


def _resampled(kinds: FloatArray, counts: IntArray, plan: Bootstrap) -> FloatArray:
    """Return the totals (resamples, columns) of resampled patients."""
    generator, n = np.random.default_rng(plan.seed), int(counts.sum())
    together = len(kinds) <= max(_DRAWN_TOGETHER, n // _ALIKE)
    rows = kinds if together or len(kinds) == n else np.repeat(kinds, counts, axis=0)
    totals = np.empty((plan.resamples, kinds.shape[1]))
    for start in range(0, plan.resamples, _CHUNK):
        size = min(_CHUNK, plan.resamples - start)
        if together:
            weights = generator.multinomial(n, counts / n, size=size).astype(np.float64)
        else:
            weights = np.empty((size, n))
            for row in weights:
                row[:] = np.bincount(generator.integers(n, size=n), minlength=n)
        totals[start : start + size] = _product(weights, rows)
    return totals


def _product(weights: FloatArray, rows: FloatArray) -> FloatArray:
    """Return weights @ rows, in pieces so small that BLAS takes no second thread.

    On a busy machine its threads wait for each other: twenty times the time, measured with two of them.
    """
    step = max(1, _ONE_THREAD // (len(weights) * max(1, rows.shape[1])))
    total = np.zeros((len(weights), rows.shape[1]))
    for start in range(0, len(rows), step):
        total += weights[:, start : start + step] @ rows[start : start + step]
    return total


def _interval(
    statistic: Statistic, kinds: FloatArray, counts: IntArray, drawn: FloatArray, plan: Bootstrap
) -> BootstrapInterval:
    value = float(statistic((counts @ kinds)[None])[0])
    if math.isnan(value):
        return BootstrapInterval(None, None, None)
    replicates = statistic(drawn)
    defined = replicates[~np.isnan(replicates)]
    note = _note(len(defined), len(replicates))
    if len(defined) < len(replicates) / 2:
        return BootstrapInterval(None, None, note)
    if defined.min() == defined.max():
        return BootstrapInterval(None, None, "no interval: every resample gives the same number")
    tails = np.array([(1 - plan.level) / 2, (1 + plan.level) / 2])
    if plan.kind == "BCa":
        tails = _bca_tails(tails, value, defined, _leave_one_out(statistic, kinds, counts), counts)
    low, high = np.quantile(defined, tails)
    return BootstrapInterval(float(low), float(high), note)


def _note(defined: int, resamples: int) -> str | None:
    if defined == resamples:
        return None
    words = "no interval" if defined < resamples / 2 else "interval from the others"
    return f"{resamples - defined} of {resamples} resamples do not define it: {words}"


def _leave_one_out(statistic: Statistic, kinds: FloatArray, counts: IntArray) -> FloatArray:
    return statistic((counts @ kinds)[None] - kinds)


def _bca_tails(
    tails: FloatArray, value: float, replicates: FloatArray, left_out: FloatArray, counts: IntArray
) -> FloatArray:
    """Return the tails corrected for bias and acceleration (Efron, J Am Stat Assoc 1987;82:171-185)."""
    below = (replicates < value).mean() + (replicates == value).mean() / 2
    bias = norm.ppf(np.clip(below, 0.5 / len(replicates), 1 - 0.5 / len(replicates)))
    weights = np.where(np.isnan(left_out), 0, counts)
    away = np.nan_to_num(np.average(np.nan_to_num(left_out), weights=weights) - left_out)
    spread = float((weights * away**2).sum())
    acceleration = float((weights * away**3).sum()) / (6 * spread**1.5) if spread else 0.0
    shifted = bias + norm.ppf(tails)
    return np.asarray(norm.cdf(bias + shifted / (1 - acceleration * shifted)), dtype=np.float64)
