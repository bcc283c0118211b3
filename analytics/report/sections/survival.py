"""Survival by strata: curves, figures at fixed times, medians, tests, hazard ratios."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from analytics.estimate import Estimate, HypothesisTest
from analytics.report.blocks import Block, Figure, Number, Section, Table, Text
from analytics.report.figures.curves import Curve, CurveWords, draw_curves, nice_ticks
from analytics.report.frame import analysis_frame
from analytics.report.sections.interactions import interaction_numbers
from analytics.report.sections.panels import Panel, panels
from analytics.report.wording import numbers_table, p_text
from analytics.study.data import StudyData
from analytics.survival.competing import cumulative_incidence, incidence_at
from analytics.survival.cox import CoxModel, cox
from analytics.survival.design import Category, design
from analytics.survival.errors import MonotoneLikelihood, SurvivalError
from analytics.survival.event_table import EventTable, numbers_at_risk
from analytics.survival.firth import firth_cox
from analytics.survival.gray import gray_test
from analytics.survival.kaplan_meier import (
    kaplan_meier,
    median_followup,
    median_survival,
    restricted_mean_difference,
    survival_at,
)
from analytics.survival.logrank import holm, log_rank, pairwise_log_rank
from analytics.survival.proportional_hazards import proportional_hazards_test
from analytics.survival.times import BoolArray, Followup

_CROSSING_P = 0.05
"""p-value of the test of proportional hazards below which restricted means stand beside the hazard ratio."""


def survival_section(data: StudyData, advance: Callable[[], None]) -> Section | None:
    """Return each endpoint by each stratum, and the tests of one endpoint corrected together by Holm."""
    follow_up = data.study.follow_up
    if follow_up is None:
        return None
    frame = analysis_frame(data)
    blocks: list[Block] = []
    numbers: list[Number] = []
    for endpoint in follow_up.endpoints:
        observed = data.follow_up[endpoint.name]
        if observed.empty:
            blocks.append(Text(f"{endpoint.label}: no patient has usable follow-up."))
            continue
        whole = Followup(observed["time"].to_numpy(), observed["event"].to_numpy(), follow_up.unit)
        followed = median_followup(whole.of_any_cause())
        key, label = f"survival.{endpoint.name}.follow_up", f"{endpoint.label}: median follow-up"
        numbers.append(Number(key, label, followed, unit=whole.unit))
        blocks.append(numbers_table(key, f"{endpoint.label}: follow-up", [numbers[-1]]))
        tests = []
        for panel in panels(data, frame, endpoint, follow_up.unit):
            found = _panel_numbers(panel, follow_up.times)
            tests.append((panel, next(each for each in found if each.key == f"{panel.key}.test")))
            numbers += found
            note = f"{panel.missing:,} patients without a group are left out." if panel.missing else ""
            blocks += [_figure(panel, tests[-1][1]), numbers_table(panel.key, panel.title, found, note)]
        blocks += _holm_table(endpoint.label, tests)
        advance()
    return Section("survival", "Survival", tuple(blocks), tuple(numbers))


def _panel_numbers(panel: Panel, times: tuple[float, ...]) -> list[Number]:
    numbers = []
    what = "incidence" if panel.competing else "survival"
    for label, rows in panel.groups:
        part, key = panel.followup.take(rows), f"{panel.key}.{label}"
        if panel.competing:
            at = incidence_at(cumulative_incidence(part), times)
        else:
            curve = kaplan_meier(part)
            at = survival_at(curve, times)
            numbers.append(Number(f"{key}.median", f"{label}: median", median_survival(curve), unit=part.unit))
        for time, estimate in zip(times, at, strict=True):
            words = f"{label}: {what} at {time:g} {part.unit}"
            numbers.append(Number(f"{key}.{what}_{time:g}", words, estimate, "percent"))
    if panel.competing:
        return [*numbers, Number(f"{panel.key}.test", "Gray's test", gray_test(panel.followup, panel.groups))]
    return [*numbers, *_tests(panel), *_ratios(panel), *interaction_numbers(panel)]


def _tests(panel: Panel) -> list[Number]:
    numbers = [Number(f"{panel.key}.test", "Log-rank test", log_rank(panel.followup, panel.groups).test)]
    if len(panel.groups.labels) > 2:
        for pair in pairwise_log_rank(panel.followup, panel.groups):
            label = f"{pair.first} against {pair.second}; after Holm p = {p_text(pair.p_holm)}".replace("= <", "< ")
            numbers.append(Number(f"{panel.key}.{pair.first}-{pair.second}.test", label, pair.test))
    return numbers


def _ratios(panel: Panel) -> list[Number]:
    """Return hazard ratios against the first group, by Firth's penalty where the events separate the groups."""
    table = pd.DataFrame({"group": np.asarray(panel.groups.labels)[panel.groups.code]})
    first = panel.groups.labels[0]
    try:
        made = design(table, [Category("group", panel.groups.labels)])
        try:
            model = cox(panel.followup, made)
        except MonotoneLikelihood:
            penalised = firth_cox(panel.followup, made).coefficients
            return [_ratio(panel, first, each.column, each.hazard_ratio) for each in penalised]
    except SurvivalError as error:
        events = panel.followup.n_events
        none = Estimate(math.nan, None, None, "Cox model", len(panel.followup), events, note=str(error))
        return [Number(f"{panel.key}.hazard_ratio", "Hazard ratio", none, "ratio")]
    ratios = [_ratio(panel, first, each.column, each.hazard_ratio) for each in model.coefficients]
    return ratios + _proportional(panel, model)


def _ratio(panel: Panel, first: str, column: str, ratio: Estimate) -> Number:
    level = column.removeprefix("group = ")
    return Number(f"{panel.key}.{level}.hazard_ratio", f"Hazard ratio, {level} against {first}", ratio, "ratio")


def _proportional(panel: Panel, model: CoxModel) -> list[Number]:
    """Return the test of proportional hazards, and restricted means of two groups where it doubts them."""
    try:
        test = proportional_hazards_test(model).overall
    except SurvivalError as error:
        test = HypothesisTest(math.nan, math.nan, "test of proportional hazards", model.n, note=str(error))
    numbers = [Number(f"{panel.key}.proportional", "Proportional hazards", test)]
    if len(panel.groups.labels) != 2 or not test.p_value < _CROSSING_P:
        return numbers
    first, second = (panel.followup.take(rows) for _, rows in panel.groups)
    horizon = float(min(first.time.max(), second.time.max()))
    label = f"Restricted mean to {horizon:g} {panel.followup.unit}, {panel.groups.labels[1]} − {panel.groups.labels[0]}"
    difference, compared = restricted_mean_difference(second, first, horizon)
    numbers.append(Number(f"{panel.key}.restricted_mean", label, difference, unit=panel.followup.unit))
    return [*numbers, Number(f"{panel.key}.restricted_mean.test", f"{label}: test", compared)]


def _figure(panel: Panel, test: Number) -> Figure:
    ticks = nice_ticks(float(panel.followup.time.max()))
    curves = [_curve(panel, label, rows, ticks) for label, rows in panel.groups]
    remark = f"{test.label}: p = {p_text(_p_value(test))}".replace("= <", "< ")
    shown = "; ".join(f"{curve.label} ends at {100 * curve.value[-1]:.0f} %" for curve in curves if len(curve.value))
    label = panel.endpoint.label
    words = CurveWords(
        key=panel.key,
        title=panel.title,
        alternative=f"{panel.title} with numbers at risk; {shown}; {remark}.",
        x_label=f"Time, {panel.followup.unit}",
        y_label=f"Incidence, {label[0].lower() + label[1:]}" if panel.competing else label,
        remark=remark,
        start=0.0 if panel.competing else 1.0,
    )
    return draw_curves(curves, ticks, words)


def _curve(panel: Panel, label: str, rows: BoolArray, ticks: list[float]) -> Curve:
    part = panel.followup.take(rows)
    at_risk = numbers_at_risk(part, np.asarray(ticks))
    if panel.competing:
        found = cumulative_incidence(part)
        return Curve(label, found.table.time, found.incidence, found.low, found.high, _censored(found.table), at_risk)
    curve = kaplan_meier(part)
    return Curve(label, curve.table.time, curve.survival, curve.low, curve.high, _censored(curve.table), at_risk)


def _censored(table: EventTable) -> np.ndarray:
    return table.time[table.censored > 0]


def _p_value(number: Number) -> float:
    return number.value.p_value if isinstance(number.value, HypothesisTest) else math.nan


def _holm_table(label: str, tests: list[tuple[Panel, Number]]) -> list[Block]:
    """Return the tests of one endpoint with their p-values corrected for being several (Holm 1979)."""
    if len(tests) < 2:
        return []
    p_values = [_p_value(test) for _, test in tests]
    rows = tuple(
        (panel.title.partition(" by ")[2], test.label, p_text(p_value), p_text(corrected))
        for (panel, test), p_value, corrected in zip(tests, p_values, holm(p_values), strict=True)
    )
    note = "Corrected over these tests after Holm, Scand J Stat 1979;6:65-70."
    key = f"holm-{tests[0][0].endpoint.name}"
    return [Table(key, f"{label}: every stratum", ("By", "Test", "p", "p after Holm"), rows, note)]
