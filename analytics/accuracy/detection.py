"""Detection of nodes: per-node sensitivity, false positives per case, FROC and what a case as a whole scores."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analytics.accuracy.bootstrap import Bootstrap, Statistic, intervals_of, sums_by_patient
from analytics.accuracy.columns import BoolArray, FloatArray
from analytics.accuracy.matching import Matching
from analytics.accuracy.precision_recall import average_precision
from analytics.estimate import Estimate

FROC_RATES: Final = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per case at which sensitivities are averaged (Setio et al., Med Image Anal 2017;42:1-13)."""

_MOST_THRESHOLDS: Final = 100


@dataclass(frozen=True)
class DetectedCase:
    """What was found and missed in one case."""

    patient: str
    hits: tuple[float, ...]
    """Scores of the found nodes that are true nodes, one each."""

    false: tuple[float, ...]
    """Scores of the found nodes that are none."""

    missed: int
    """True nodes that were not found at any score."""

    repeated: tuple[float, ...] = ()
    """Scores of found nodes on a true node that has its hit: neither hit nor false."""

    @property
    def true_nodes(self) -> int:
        """True nodes of the case."""
        return len(self.hits) + self.missed

    @property
    def score(self) -> float:
        """The highest score of anything found; 0 where nothing is."""
        return max((*self.hits, *self.false, *self.repeated), default=0.0)


@dataclass(frozen=True)
class FrocCurve:
    """Operating points from the highest score down."""

    thresholds: FloatArray
    """(points,) a found node counts from it upwards."""

    sensitivity: FloatArray
    """(points,) share of true nodes found; not a number without true nodes."""

    false_per_case: FloatArray
    """(points,)"""


def detected_case(patient: str, matching: Matching, scores: Sequence[float], strict: bool = False) -> DetectedCase:
    """Return a case from its matching and the scores (found,); `strict` counts repeated nodes as false positives."""
    false, repeated = matching.false, matching.repeated
    if strict:
        false, repeated = (*false, *repeated), ()
    return DetectedCase(
        patient,
        tuple(scores[pair.found] for pair in matching.pairs),
        tuple(scores[found] for found in false),
        len(matching.missed),
        tuple(scores[found] for found in repeated),
    )


def detection_figures(
    cases: Sequence[DetectedCase], threshold: float = -np.inf, plan: Bootstrap | None = None
) -> dict[str, Estimate]:
    """Return sensitivity, ppv, f1 and false_per_case of nodes scored `threshold` or more, with intervals by patient."""
    plan = plan or Bootstrap()
    counts = [_counts(case, threshold) for case in cases]
    sums = sums_by_patient([case.patient for case in cases], np.array(counts, dtype=np.float64).reshape(-1, 4))
    hits, true, false, n_cases = (int(total) for total in sums.sum(axis=0))
    bounds = intervals_of(_FIGURES, sums, plan)
    sizes = {
        "sensitivity": (true, hits),
        "ppv": (hits + false, hits),
        "f1": (true, None),
        "false_per_case": (n_cases, false),
    }
    names = {"sensitivity": "per-node sensitivity", "ppv": "per-node ppv", "f1": "per-node F1"}
    figures = {}
    for name, statistic in _FIGURES.items():
        value = float(statistic(sums.sum(axis=0)[None])[0])
        note = bounds[name].note if not np.isnan(value) else f"not defined: {_UNDEFINED[name]}"
        method = f"{names.get(name, 'false positives per case')}, {plan.method}"
        n, count = sizes[name]
        figures[name] = Estimate(value, bounds[name].low, bounds[name].high, method, n, count, plan.level, note)
    return figures


def froc_curve(cases: Sequence[DetectedCase]) -> FrocCurve:
    """Return sensitivity against false positives per case; empty where nothing was found.

    Bunch et al., J Appl Photogr Eng 1978;4:166-171.
    """
    hits = np.sort([score for case in cases for score in case.hits])
    false = np.sort([score for case in cases for score in case.false])
    thresholds = np.unique(np.concatenate((hits, false)))[::-1]
    true = sum(case.true_nodes for case in cases)
    found, wrong = (len(scores) - np.searchsorted(scores, thresholds, side="left") for scores in (hits, false))
    return FrocCurve(thresholds, found / true if true else np.full(len(found), np.nan), wrong / max(len(cases), 1))


def froc_sensitivities(
    cases: Sequence[DetectedCase], rates: Sequence[float] = FROC_RATES, plan: Bootstrap | None = None
) -> dict[float, Estimate]:
    """Return the highest sensitivity with at most each rate of false positives per case, with intervals by patient.

    With more than 100 distinct scores the operating points are 100 quantiles of them, in value and interval alike.
    """
    plan = plan or Bootstrap()
    sums = sums_by_patient([case.patient for case in cases], _operating_points(cases))
    total = sums.sum(axis=0)[None]
    statistics = {f"FROC sensitivity at {rate:g} false positives per case": _sensitivity_at(rate) for rate in rates}
    bounds = intervals_of(statistics, sums, plan)
    true = sum(case.true_nodes for case in cases)
    estimates = {}
    for rate, (name, statistic) in zip(rates, statistics.items(), strict=True):
        value, found = float(statistic(total)[0]), bounds[name]
        note = found.note if not np.isnan(value) else "not defined: no true node"
        estimates[rate] = Estimate(value, found.low, found.high, f"{name}, {plan.method}", true, None, plan.level, note)
    return estimates


def lesion_average_precision(cases: Sequence[DetectedCase], plan: Bootstrap | None = None) -> Estimate:
    """Return the average precision over all found nodes, where missed nodes limit the recall; interval by patient.

    With more than 100 distinct scores the interval is that of 100 quantiles of them.
    """
    plan = plan or Bootstrap()
    hits = [score for case in cases for score in case.hits]
    false = [score for case in cases for score in case.false]
    truth = np.array([True] * len(hits) + [False] * len(false), dtype=np.bool_)
    estimate = average_precision(truth, hits + false, sum(case.missed for case in cases), plan.level)
    sums = sums_by_patient([case.patient for case in cases], _operating_points(cases))
    bounds = intervals_of({"": _mean_precision}, sums, plan)[""]
    note = bounds.note if estimate.defined else estimate.note
    method = f"per-node average precision, {plan.method}"
    return replace(estimate, low=bounds.low, high=bounds.high, method=method, note=note)


def case_scores(cases: Sequence[DetectedCase]) -> tuple[BoolArray, FloatArray]:
    """Return for each case (cases,) whether it has a true node, and its highest score: what a case-level ROC needs."""
    truth = np.array([case.true_nodes > 0 for case in cases], dtype=np.bool_)
    return truth, np.array([case.score for case in cases], dtype=np.float64)


def _counts(case: DetectedCase, threshold: float) -> tuple[int, int, int, int]:
    hits, false = (sum(score >= threshold for score in scores) for scores in (case.hits, case.false))
    return hits, case.true_nodes, false, 1


def _share(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    return np.where(denominator > 0, numerator / np.where(denominator > 0, denominator, 1), np.nan)


_FIGURES: Final[dict[str, Statistic]] = {
    "sensitivity": lambda sums: _share(sums[:, 0], sums[:, 1]),
    "ppv": lambda sums: _share(sums[:, 0], sums[:, 0] + sums[:, 2]),
    "f1": lambda sums: _share(2 * sums[:, 0], sums[:, 1] + sums[:, 0] + sums[:, 2]),
    "false_per_case": lambda sums: _share(sums[:, 2], sums[:, 3]),
}

_UNDEFINED: Final = {
    "sensitivity": "no true node",
    "ppv": "nothing was found",
    "f1": "no true node and nothing found",
    "false_per_case": "no cases",
}


def _operating_points(cases: Sequence[DetectedCase]) -> FloatArray:
    """Return for each case (cases, 2 + 2 points) its true nodes, 1, and hits and false nodes from each threshold."""
    scores = np.unique([score for case in cases for score in (*case.hits, *case.false)])
    if len(scores) > _MOST_THRESHOLDS:
        scores = np.unique(np.quantile(scores, np.linspace(0, 1, _MOST_THRESHOLDS), method="nearest"))
    rows = np.zeros((len(cases), 2 + 2 * len(scores)))
    for row, case in zip(rows, cases, strict=True):
        row[:2] = case.true_nodes, 1
        row[2 : 2 + len(scores)] = len(case.hits) - np.searchsorted(np.sort(case.hits), scores, side="left")
        row[2 + len(scores) :] = len(case.false) - np.searchsorted(np.sort(case.false), scores, side="left")
    return rows


def _mean_precision(sums: FloatArray) -> FloatArray:
    """Return the precision at each threshold weighted by the true nodes that it adds, from `_operating_points`."""
    points = (sums.shape[1] - 2) // 2
    hits, false = sums[:, 2 : 2 + points], sums[:, 2 + points :]
    # Thresholds rise: each adds the hits that the next one no longer has.
    added = hits - np.concatenate([hits[:, 1:], np.zeros((len(hits), 1))], axis=1)[:, :points]
    return _share((added * hits / np.maximum(hits + false, 1)).sum(axis=1), sums[:, 0])


def _sensitivity_at(rate: float) -> Statistic:
    def statistic(sums: FloatArray) -> FloatArray:
        points = (sums.shape[1] - 2) // 2
        hits, false = sums[:, 2 : 2 + points], sums[:, 2 + points :]
        best = np.where(false <= rate * sums[:, 1:2], hits, 0).max(axis=1, initial=0)
        return _share(np.asarray(best, dtype=np.float64), sums[:, 0])

    return statistic
