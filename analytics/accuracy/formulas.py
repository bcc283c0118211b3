"""The figures as formulas over many 2x2 tables at once: counts (rows, 4) in the order tp, fn, fp, tn give (rows,).

A figure whose denominator is zero is not a number.
"""

from typing import Final

import numpy as np

from analytics.accuracy.bootstrap import Statistic
from analytics.accuracy.columns import FloatArray


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    defined = denominator != 0
    return np.where(defined, numerator / np.where(defined, denominator, 1), np.nan)


def _accuracy(cells: FloatArray) -> FloatArray:
    tp, fn, fp, tn = cells.T
    return _ratio(tp + tn, tp + fn + fp + tn)


def _no_information_rate(cells: FloatArray) -> FloatArray:
    tp, fn, fp, tn = cells.T
    return _ratio(np.maximum(tp + fn, fp + tn), tp + fn + fp + tn)


def _prevalence(cells: FloatArray) -> FloatArray:
    tp, fn, fp, tn = cells.T
    return _ratio(tp + fn, tp + fn + fp + tn)


def _sensitivity(cells: FloatArray) -> FloatArray:
    tp, fn, _, _ = cells.T
    return _ratio(tp, tp + fn)


def _specificity(cells: FloatArray) -> FloatArray:
    _, _, fp, tn = cells.T
    return _ratio(tn, fp + tn)


def _ppv(cells: FloatArray) -> FloatArray:
    tp, _, fp, _ = cells.T
    return _ratio(tp, tp + fp)


def _npv(cells: FloatArray) -> FloatArray:
    _, fn, _, tn = cells.T
    return _ratio(tn, fn + tn)


def _lr_positive(cells: FloatArray) -> FloatArray:
    tp, fn, fp, tn = cells.T
    return _ratio(tp * (fp + tn), fp * (tp + fn))


def _lr_negative(cells: FloatArray) -> FloatArray:
    tp, fn, fp, tn = cells.T
    return _ratio(fn * (fp + tn), tn * (tp + fn))


def _odds_ratio(cells: FloatArray) -> FloatArray:
    tp, fn, fp, tn = cells.T
    return _ratio(tp * tn, fn * fp)


def _balanced_accuracy(cells: FloatArray) -> FloatArray:
    return (_sensitivity(cells) + _specificity(cells)) / 2


def _f1(cells: FloatArray) -> FloatArray:
    tp, fn, fp, _ = cells.T
    return _ratio(2 * tp, 2 * tp + fn + fp)


def _mcc(cells: FloatArray) -> FloatArray:
    tp, fn, fp, tn = cells.T
    margins = np.sqrt(tp + fn) * np.sqrt(fp + tn) * np.sqrt(tp + fp) * np.sqrt(fn + tn)
    return _ratio(tp * tn - fp * fn, margins)


STATISTICS: Final[dict[str, Statistic]] = {
    "accuracy": _accuracy,
    "no_information_rate": _no_information_rate,
    "prevalence": _prevalence,
    "sensitivity": _sensitivity,
    "specificity": _specificity,
    "ppv": _ppv,
    "npv": _npv,
    "lr_positive": _lr_positive,
    "lr_negative": _lr_negative,
    "odds_ratio": _odds_ratio,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "mcc": _mcc,
}

UNDEFINED: Final = {
    "accuracy": "no units",
    "no_information_rate": "no units",
    "prevalence": "no units",
    "sensitivity": "no unit is positive by the reference",
    "specificity": "no unit is negative by the reference",
    "ppv": "the test calls no unit positive",
    "npv": "the test calls no unit negative",
    "lr_positive": "it needs positive and negative units and a specificity below 1",
    "lr_negative": "it needs positive and negative units and a specificity above 0",
    "odds_ratio": "nothing is missed or nothing is falsely positive",
    "balanced_accuracy": "it needs positive and negative units",
    "f1": "neither reference nor test calls any unit positive",
    "mcc": "reference or test has one class only",
}
"""Why a figure is not defined, by its name."""


def ratio_errors(cells: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the standard errors of the logarithms of both likelihood ratios, positive first (Simel et al. 1991)."""
    tp, fn, fp, tn = cells.T
    positive = _ratio(np.ones_like(tp), tp) - _ratio(np.ones_like(tp), tp + fn)
    positive += _ratio(np.ones_like(tp), fp) - _ratio(np.ones_like(tp), fp + tn)
    negative = _ratio(np.ones_like(tp), fn) - _ratio(np.ones_like(tp), tp + fn)
    negative += _ratio(np.ones_like(tp), tn) - _ratio(np.ones_like(tp), fp + tn)
    return np.sqrt(positive), np.sqrt(negative)


def odds_ratio_error(cells: FloatArray) -> FloatArray:
    """Return the standard error of the logarithm of the odds ratio (Woolf, Ann Hum Genet 1955;19:251-253)."""
    errors: FloatArray = np.sqrt(_ratio(np.ones_like(cells), cells).sum(axis=1))
    return errors


def phi_error(cells: FloatArray) -> float:
    """Return the standard error of phi (= MCC) of one table (1, 4) by the delta method on its four shares.

    The gradient of phi = (ad - bc) / sqrt(r s k l) with r = a + b, s = c + d, k = a + c, l = b + d.
    """
    n = float(cells.sum())
    a, b, c, d = (float(share) for share in cells[0] / n)
    rows, columns = (a + b, c + d), (a + c, b + d)
    scale = float(np.sqrt(np.prod(rows) * np.prod(columns)))
    phi = (a * d - b * c) / scale
    slopes = np.array([d, -c, -b, a]) / scale
    halves = [1 / rows[i] + 1 / columns[j] for i, j in ((0, 0), (0, 1), (1, 0), (1, 1))]
    slopes -= phi / 2 * np.array(halves)
    shares = np.array([a, b, c, d])
    variance = (shares * slopes**2).sum() - (shares * slopes).sum() ** 2
    return float(np.sqrt(max(variance, 0) / n))
