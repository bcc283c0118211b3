"""Krippendorff's alpha for any number of readers, missing ratings and four scales."""

import math
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from analytics.accuracy.bootstrap import Bootstrap, Statistic, bootstrap_interval, sums_by_patient
from analytics.accuracy.columns import FloatArray
from analytics.agreement.ratings import Ratings
from analytics.estimate import Estimate

Scale = Literal["nominal", "ordinal", "interval", "ratio"]

_MOST_CATEGORIES: Final = 60
"""Above it the coincidences of every resample no longer fit in memory; measurements belong to the ICC anyway."""


def krippendorff_alpha(
    ratings: Ratings, scale: Scale = "nominal", patients: npt.ArrayLike | None = None, plan: Bootstrap | None = None
) -> Estimate:
    """Return alpha, with an interval from resampling units or, where given, the patients (n,) that they share.

    Krippendorff, Content Analysis, 2nd ed. 2004, chapter 11. Units with one rating or none do not count.
    Raises ValueError for an unknown scale, categories that are no numbers on an interval or ratio scale, and more
    than 60.
    """
    plan = plan or Bootstrap()
    resampled = plan.method if patients is not None else plan.method.replace("patient", "unit")
    method = f"Krippendorff's alpha, {scale}, {resampled}"
    statistic = _alpha(scale, _values(ratings, scale))
    counts = ratings.counts()
    given = counts.sum(axis=1)
    paired = given >= 2
    ids = np.arange(len(counts)) if patients is None else np.asarray(patients)
    if ids.shape != (len(counts),):
        raise ValueError(f"patients has shape {ids.shape}; one per unit is allowed, {len(counts)} here")
    sums = sums_by_patient(ids[paired], _coincidences(counts[paired]))
    value = float(statistic(sums.sum(axis=0)[None])[0])
    n = int(paired.sum())
    if math.isnan(value):
        reason = "no unit has two ratings" if n == 0 else "all ratings are equal"
        return Estimate(value, None, None, method, n, level=plan.level, note=f"not defined: {reason}")
    bounds = bootstrap_interval(statistic, sums, plan)
    return Estimate(value, bounds.low, bounds.high, method, n, level=plan.level, note=bounds.note)


def _values(ratings: Ratings, scale: Scale) -> FloatArray:
    if scale not in get_args(Scale):
        raise ValueError(f"scale is {scale!r}; allowed are {', '.join(get_args(Scale))}")
    size = len(ratings.categories)
    if size > _MOST_CATEGORIES:
        raise ValueError(
            f"ratings have {size} categories; at most {_MOST_CATEGORIES} are allowed, take the ICC instead"
        )
    if scale in ("nominal", "ordinal"):
        return np.arange(size, dtype=np.float64)
    try:
        values = np.array([float(each) for each in ratings.categories])  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise ValueError(f"categories are no numbers; scale {scale!r} needs them") from error
    if scale == "ratio" and size and values.min() < 0:
        raise ValueError(f"categories go down to {values.min()}; scale 'ratio' allows 0 and more")
    return values


def _coincidences(counts: FloatArray) -> FloatArray:
    """Return how often each unit's ratings meet (n, k * k), each unit weighing as many as its ratings."""
    size = counts.shape[1]
    meetings = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(size)
    weighted: FloatArray = meetings / (counts.sum(axis=1)[:, None, None] - 1)
    return weighted.reshape(len(counts), size * size)


def _alpha(scale: Scale, values: FloatArray) -> Statistic:
    size = len(values)

    def statistic(sums: FloatArray) -> FloatArray:
        cells = sums.reshape(-1, size, size)
        totals = cells.sum(axis=2)
        apart = _differences(scale, values, totals)
        n = totals.sum(axis=1)
        observed = (cells * apart).sum(axis=(1, 2))
        expected = (totals[:, :, None] * totals[:, None, :] * apart).sum(axis=(1, 2))
        defined = expected > 1e-12
        return np.where(defined, 1 - (n - 1) * observed / np.where(defined, expected, 1), np.nan)

    return statistic


def _differences(scale: Scale, values: FloatArray, totals: FloatArray) -> FloatArray:
    """Return the squared differences between categories (1 or rows, k, k), on the ordinal scale from the totals."""
    size = len(values)
    if scale == "nominal":
        return (1 - np.eye(size))[None]
    if scale == "interval":
        return np.subtract.outer(values, values)[None] ** 2
    if scale == "ratio":
        both = np.add.outer(values, values)
        return (np.subtract.outer(values, values) / np.where(both == 0, 1, both))[None] ** 2
    # The ratings from one category up to another, both counted half.
    middle = totals.cumsum(axis=1) - totals / 2
    return np.asarray((middle[:, :, None] - middle[:, None, :]) ** 2, dtype=np.float64)
