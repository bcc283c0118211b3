"""A second opinion on numbers of survival and agreement: recomputed by lifelines, statsmodels and SciPy alone."""

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd
from scipy.stats import contingency

from analytics.estimate import HypothesisTest
from analytics.report.blocks import Number, Section, Table, Text
from analytics.report.frame import STATUS_LEVELS, analysis_frame, variable
from analytics.report.sections.panels import Panel, panels
from analytics.study.data import StudyData

_AGREES: Final = 1e-6
"""Relative difference up to which two programs that iterate say the same."""


@dataclass(frozen=True)
class Opinion:
    """One number by another program."""

    key: str
    value: float
    by: str
    """Program and function."""


def second_opinion(data: StudyData, numbers: Sequence[Number]) -> Section:
    """Return every number of the report that another program gives, too, beside it, and which of them differ."""
    ours = {number.key: number for number in numbers}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [each for each in _opinions(data) if each.key in ours and _value(ours[each.key]) is not None]
    rows, differing = [], 0
    for each in found:
        mine = _value(ours[each.key]) or 0.0
        off = _distance(mine, each.value)
        differing += off > _AGREES
        word = "agrees" if off <= _AGREES else "differs"
        shown = f"{mine:.10g}", f"{each.value:.10g}", f"{off:.1e}"
        rows.append((each.key, ours[each.key].label, *shown, word, each.by))
    summary = (
        f"{len(found):,} of {len(numbers):,} numbers were recomputed by other programs; {differing:,} differ by more "
        f"than {_AGREES:g} of their value. What competing events, Firth's penalty and resampling give is not among "
        "them."
    )
    header = ("Number", "What it is", "Here", "There", "Relative difference", "", "By")
    table = Table("second-opinion", "Numbers by other programs", header, tuple(rows))
    return Section("second-opinion", "Second opinion", (Text(summary), table))


def _value(number: Number) -> float | None:
    """Return what is compared: an estimate, or the p-value of a test; None where it is not defined."""
    if not number.value.defined:
        return None
    return number.value.p_value if isinstance(number.value, HypothesisTest) else number.value.value


def _distance(first: float, second: float) -> float:
    if math.isinf(first) or math.isinf(second) or math.isnan(second):
        return 0.0 if first == second else math.inf
    return abs(first - second) / max(abs(first), abs(second), 1e-12)


def _opinions(data: StudyData) -> Iterator[Opinion]:
    follow_up = data.study.follow_up
    if follow_up is not None:
        frame = analysis_frame(data)
        for endpoint in follow_up.endpoints:
            if (data.follow_up[endpoint.name]["event"] > 1).any():
                continue
            yield from _whole(endpoint.name, data.follow_up[endpoint.name], follow_up.times)
            for panel in panels(data, frame, endpoint, follow_up.unit):
                yield from _panel(panel, follow_up.times)
            table = data.follow_up[endpoint.name].join(frame, how="inner", rsuffix="_covariate")
            yield from _alone(data, endpoint.name, table)
    yield from _agreement(data)


def _whole(name: str, observed: pd.DataFrame, times: Sequence[float]) -> Iterator[Opinion]:
    if not observed.empty:
        yield from _curve(f"survival.{name}.whole", observed["time"], observed["event"], times)


def _curve(key: str, time: pd.Series, event: pd.Series, times: Sequence[float]) -> Iterator[Opinion]:
    from lifelines import KaplanMeierFitter

    fitted = KaplanMeierFitter().fit(time, event)
    for at in times:
        if at <= time.max():
            yield Opinion(f"{key}.survival_{at:g}", float(fitted.predict(at)), "lifelines, KaplanMeierFitter")
    # Where the curve rests on one half, R and we take the middle of the step, lifelines one of its ends.
    if (np.abs(fitted.survival_function_.to_numpy() - 0.5) > _AGREES).all():
        yield Opinion(f"{key}.median", float(fitted.median_survival_time_), "lifelines, KaplanMeierFitter")


def _panel(panel: Panel, times: Sequence[float]) -> Iterator[Opinion]:
    from lifelines.statistics import multivariate_logrank_test

    time, event = pd.Series(panel.followup.time), pd.Series(panel.followup.event)
    for label, rows in panel.groups:
        yield from _curve(f"{panel.key}.{label}", time[rows], event[rows], times)
    test = multivariate_logrank_test(time, panel.groups.code, event)
    yield Opinion(f"{panel.key}.test", float(test.p_value), "lifelines, multivariate_logrank_test")


def _alone(data: StudyData, endpoint: str, table: pd.DataFrame) -> Iterator[Opinion]:
    """Yield the hazard ratios of each candidate alone; a fit that does not converge has no opinion."""
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError

    for name in data.study.analysis.candidates:
        if name not in table:
            continue
        known = variable(data, name)
        rows = table[["time", "event", name]].dropna()
        levels = [level for level in known.levels[1:] if (rows[name] == level).any()]
        columns = {f"{name}.{level}": (rows[name] == level).astype(float) for level in levels}
        design = pd.DataFrame(columns or {name: rows[name].astype(float) / known.per}).assign(
            time=rows["time"], event=rows["event"]
        )
        try:
            fitted = CoxPHFitter().fit(design, "time", "event", fit_options={"precision": 1e-12})
        except (ConvergenceError, np.linalg.LinAlgError):
            continue
        for column, ratio in fitted.hazard_ratios_.items():
            yield Opinion(f"cox.{endpoint}.alone.{column}", float(ratio), "lifelines, CoxPHFitter")


def _agreement(data: StudyData) -> Iterator[Opinion]:
    from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

    judged = {
        rater.name: data.judgements[rater.name]["status"]
        for rater in data.study.raters
        if "status" in data.judgements[rater.name]
    }
    if len(judged) < 2:
        return
    table = pd.DataFrame(judged)
    table = table.where(table.isin(STATUS_LEVELS))
    for first, second in combinations(judged, 2):
        both = table[[first, second]].dropna()
        counts = contingency.crosstab(both[first], both[second], levels=[list(STATUS_LEVELS)] * 2).count
        kappa = float(cohens_kappa(np.asarray(counts)).kappa)
        yield Opinion(f"agreement.{first}-{second}.kappa", kappa, "statsmodels, cohens_kappa")
    readers = [rater.name for rater in data.study.raters_of("reader") if rater.name in judged]
    complete = table[readers].dropna()
    if len(readers) > 1 and len(complete) == len(table[readers].dropna(how="all")):
        counts = np.stack([(complete == level).sum(axis=1) for level in STATUS_LEVELS], axis=1)
        yield Opinion("agreement.readers.fleiss_kappa", float(fleiss_kappa(counts)), "statsmodels, fleiss_kappa")
