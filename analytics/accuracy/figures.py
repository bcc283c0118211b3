"""All figures of a 2x2 table, with intervals for independent units or by resampling patients."""

import math
from dataclasses import replace
from typing import Final

import numpy.typing as npt
from scipy.stats import binomtest

from analytics.accuracy.bootstrap import Bootstrap, intervals_of, sums_by_patient
from analytics.accuracy.formulas import STATISTICS, UNDEFINED, odds_ratio_error, phi_error, ratio_errors
from analytics.accuracy.proportions import ProportionInterval, normal_quantile, proportion
from analytics.accuracy.table import Counts2x2, cell_columns
from analytics.estimate import Estimate, HypothesisTest

FIGURES: Final = tuple(STATISTICS)
"""Names of the figures, in the order of a report."""

ABOVE_NO_INFORMATION_RATE: Final = "exact binomial test of accuracy above the no-information rate, one-sided"


def accuracy_figures(
    table: Counts2x2, interval: ProportionInterval = "wilson", level: float = 0.95
) -> dict[str, Estimate]:
    """Return every figure of FIGURES by name, for independent units (patients).

    Proportions take the named interval; likelihood and odds ratios the log interval (Simel et al., J Clin Epidemiol
    1991;44:763-770; Woolf 1955); balanced accuracy combines the intervals of sensitivity and specificity (Zou and
    Donner, Stat Med 2008;27:1693-1702); F1 = 2 J / (1 + J) takes the interval of the proportion
    J = tp / (tp + fn + fp); MCC the delta method on Fisher's z (Bishop, Fienberg and Holland 1975, chapter 11).
    """
    figures = {name: proportion(*counts, interval, level) for name, counts in _proportions(table).items()}
    sensitivity, specificity = figures["sensitivity"], figures["specificity"]
    figures["balanced_accuracy"] = _balanced(sensitivity, specificity)
    figures["f1"] = _f1(table, interval, level)
    figures |= _ratios(table, level)
    figures["mcc"] = _mcc(table, level)
    return {name: _explained(name, figures[name]) for name in FIGURES}


def clustered_figures(
    truth: npt.ArrayLike, predicted: npt.ArrayLike, patients: npt.ArrayLike, plan: Bootstrap | None = None
) -> dict[str, Estimate]:
    """Return every figure of FIGURES by name for units (n,) that share patients, with bootstrap intervals by patient.

    A figure without any disagreement keeps no interval, since every resample gives the same number.
    """
    plan = plan or Bootstrap()
    sums = sums_by_patient(patients, cell_columns(truth, predicted))
    tp, fn, fp, tn = (int(count) for count in sums.sum(axis=0))
    point = accuracy_figures(Counts2x2(tp, fn, fp, tn), level=plan.level)
    bounds = intervals_of(STATISTICS, sums, plan)
    return {
        name: replace(
            point[name],
            low=bounds[name].low,
            high=bounds[name].high,
            method=f"{point[name].method.split(', ')[0]}, {plan.method}",
            note=point[name].note if not point[name].defined else bounds[name].note,
        )
        for name in FIGURES
    }


def above_no_information_rate(table: Counts2x2) -> HypothesisTest:
    """Return the exact one-sided binomial test that accuracy exceeds the share of the larger class.

    Kuhn, J Stat Softw 2008;28(5).
    """
    if table.n == 0:
        return HypothesisTest(math.nan, math.nan, ABOVE_NO_INFORMATION_RATE, 0, note="not defined: no units")
    rate = max(table.positives, table.negatives) / table.n
    test = binomtest(table.tp + table.tn, table.n, rate, alternative="greater")
    details = {"no_information_rate": rate}
    return HypothesisTest(math.nan, float(test.pvalue), ABOVE_NO_INFORMATION_RATE, table.n, details=details)


def _proportions(table: Counts2x2) -> dict[str, tuple[int, int]]:
    return {
        "accuracy": (table.tp + table.tn, table.n),
        "no_information_rate": (max(table.positives, table.negatives), table.n),
        "prevalence": (table.positives, table.n),
        "sensitivity": (table.tp, table.positives),
        "specificity": (table.tn, table.negatives),
        "ppv": (table.tp, table.tp + table.fp),
        "npv": (table.tn, table.fn + table.tn),
    }


def _balanced(sensitivity: Estimate, specificity: Estimate) -> Estimate:
    """Return the mean of both with the interval that their intervals together give."""
    first, second = sensitivity, specificity
    method, n = f"balanced accuracy, {first.method.split(', ')[1]}s combined (MOVER)", first.n + second.n
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return Estimate(math.nan, None, None, method, n, level=first.level)
    below = math.hypot(first.value - first.low, second.value - second.low) / 2
    above = math.hypot(first.high - first.value, second.high - second.value) / 2
    value = (first.value + second.value) / 2
    return Estimate(value, value - below, value + above, method, n, level=first.level)


def _f1(table: Counts2x2, interval: ProportionInterval, level: float) -> Estimate:
    jaccard = proportion(table.tp, table.tp + table.fn + table.fp, interval, level)
    value, low, high = (
        None if each is None else 2 * each / (1 + each) for each in (jaccard.value, jaccard.low, jaccard.high)
    )
    method = f"F1, {jaccard.method.split(', ')[1]} of the Jaccard index"
    return Estimate(math.nan if value is None else value, low, high, method, table.n, level=level)


def _ratios(table: Counts2x2, level: float) -> dict[str, Estimate]:
    positive, negative = ratio_errors(table.cells)
    errors = {
        "lr_positive": ("positive likelihood ratio, log interval", positive),
        "lr_negative": ("negative likelihood ratio, log interval", negative),
        "odds_ratio": ("diagnostic odds ratio, log interval", odds_ratio_error(table.cells)),
    }
    estimates = {}
    for name, (method, error) in errors.items():
        value = float(STATISTICS[name](table.cells)[0])
        spread = math.exp(normal_quantile(level) * float(error[0])) if value > 0 else math.nan
        low, high = (None, None) if math.isnan(spread) else (value / spread, value * spread)
        note = "no interval: a cell is zero" if low is None else None
        estimates[name] = Estimate(value, low, high, method, table.n, level=level, note=note)
    return estimates


def _mcc(table: Counts2x2, level: float) -> Estimate:
    value, method = float(STATISTICS["mcc"](table.cells)[0]), "MCC, delta method on Fisher's z"
    if math.isnan(value):
        return Estimate(value, None, None, method, table.n, level=level)
    if abs(value) > 1 - 1e-12:
        sign, note = math.copysign(1.0, value), "no interval: agreement is total"
        return Estimate(sign, None, None, method, table.n, level=level, note=note)
    reach = normal_quantile(level) * phi_error(table.cells) / (1 - value**2)
    low, high = math.tanh(math.atanh(value) - reach), math.tanh(math.atanh(value) + reach)
    return Estimate(value, low, high, method, table.n, level=level)


def _explained(name: str, estimate: Estimate) -> Estimate:
    return estimate if estimate.defined else replace(estimate, note=f"not defined: {UNDEFINED[name]}")
