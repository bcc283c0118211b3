"""Survival by strata: curves, figures at fixed times, medians, tests, hazard ratios."""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from analytics.estimate import Estimate, HypothesisTest
from analytics.report.blocks import Block, Number, Section, Table, Text
from analytics.report.figures.curves import Curve, CurveWords, draw_curves, nice_ticks
from analytics.report.frame import analysis_frame
from analytics.report.sections.followed import without_follow_up
from analytics.report.sections.interactions import interaction_numbers
from analytics.report.sections.panels import Panel, panels
from analytics.report.sections.survival_table import group_table
from analytics.report.sections.whole_cohort import whole_cohort
from analytics.report.wording import estimate_text, numbers_table, p_text
from analytics.study.data import StudyData
from analytics.study.spec import Endpoint, Stratum
from analytics.survival.comparison import GroupComparison, GroupCurve, HazardRatio, RestrictedMean, compare_groups
from analytics.survival.competing import CumulativeIncidence
from analytics.survival.kaplan_meier import risk_counts
from analytics.survival.logrank import PairwiseTest, holm
from analytics.survival.times import Followup, IntArray

_MOST_REMARKS: Final = 4
_LONGEST_REMARK: Final = 70
"""Curves, and letters of a line, for which median and hazard ratio have room in the legend; the table below has those
of all."""


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
        if (nothing := without_follow_up(endpoint, observed)) is not None:
            blocks.append(nothing)
            advance()
            continue
        whole = Followup(observed["time"].to_numpy(), observed["event"].to_numpy(), follow_up.unit)
        overall = whole_cohort(endpoint, whole, follow_up.times)
        numbers += overall
        blocks.append(numbers_table(f"survival.{endpoint.name}.whole", f"{endpoint.label}: whole cohort", overall))
        tests: list[tuple[Panel, Number]] = []
        for panel in panels(data, frame, endpoint, follow_up.unit):
            compared = compare_groups(panel.followup, panel.groups, follow_up.times)
            test, hazards = _test(panel, compared), _proportional(panel, compared)
            further = [*_pairs(panel, compared), *interaction_numbers(panel)]
            tests.append((panel, test))
            numbers += [
                *_group_numbers(panel, compared, follow_up.times),
                test,
                *hazards,
                *_differences(panel, compared),
                *further,
            ]
            blocks.append(_figure(panel, compared, test, follow_up.least_at_risk))
            blocks.append(group_table(panel, compared, follow_up.times, [test, *hazards]))
            if further:
                title = f"{panel.title}: {'pairs' if len(panel.stratum.by) == 1 else 'pairs and interaction'}"
                blocks.append(numbers_table(f"{panel.key}.further", title, further))
        blocks += _without_panel(data.study.analysis.strata, [panel.stratum for panel, _ in tests], endpoint)
        blocks += _holm_table(endpoint.label, tests)
        advance()
    return Section("survival", "Survival", tuple(blocks), tuple(numbers))


def _without_panel(asked: Sequence[Stratum], shown: Sequence[Stratum], endpoint: Endpoint) -> list[Block]:
    """Return a paragraph that names the strata of the study file of which nothing could be shown."""
    lost = [
        " and ".join(stratum.by) + (f" within {stratum.within}" if stratum.within else "")
        for stratum in asked
        if stratum not in shown
    ]
    if not lost:
        return []
    return [Text(f"{endpoint.label}: not compared by {', '.join(lost)}: fewer than two groups have follow-up.")]


def _group_numbers(panel: Panel, compared: GroupComparison, times: tuple[float, ...]) -> list[Number]:
    what, unit = "incidence" if compared.competing else "survival", panel.followup.unit
    numbers = []
    for group in compared.groups:
        key = f"{panel.key}.{group.label}"
        if group.median is not None:
            numbers.append(Number(f"{key}.median", f"{group.label}: median", group.median, unit=unit))
        for time, estimate in zip(times, group.at_times, strict=True):
            words = f"{group.label}: {what} at {time:g} {unit}"
            numbers.append(Number(f"{key}.{what}_{time:g}", words, estimate, "percent"))
    return numbers


def _differences(panel: Panel, compared: GroupComparison) -> list[Number]:
    """Return hazard ratios and, where they are no single numbers, restricted means; nothing with competing events."""
    first = compared.groups[0].label
    numbers = [_ratio(panel, first, each) for each in compared.hazard_ratios]
    if compared.problem is not None:
        n, events = len(panel.followup), panel.followup.n_events
        none = Estimate(math.nan, None, None, "Cox model", n, events, note=compared.problem)
        numbers.append(Number(f"{panel.key}.hazard_ratio", "Hazard ratio", none, "ratio"))
    return numbers + [number for each in compared.restricted_means for number in _restricted(panel, first, each)]


def _proportional(panel: Panel, compared: GroupComparison) -> list[Number]:
    if compared.proportional_hazards is None:
        return []
    return [Number(f"{panel.key}.proportional", "Proportional hazards", compared.proportional_hazards)]


def _pairs(panel: Panel, compared: GroupComparison) -> list[Number]:
    return [_pair(panel, pair) for pair in compared.pairs]


def _test(panel: Panel, compared: GroupComparison) -> Number:
    return Number(f"{panel.key}.test", "Gray's test" if compared.competing else "Log-rank test", compared.test)


def _pair(panel: Panel, pair: PairwiseTest) -> Number:
    corrected = "" if math.isnan(pair.p_holm) else f" (after Holm p = {p_text(pair.p_holm)})".replace("= <", "< ")
    label = f"{pair.first} against {pair.second}{corrected}"
    return Number(f"{panel.key}.{pair.first}-{pair.second}.test", label, pair.test)


def _ratio(panel: Panel, first: str, each: HazardRatio) -> Number:
    return Number(
        f"{panel.key}.{each.label}.hazard_ratio", f"Hazard ratio, {each.label} against {first}", each.ratio, "ratio"
    )


def _restricted(panel: Panel, first: str, each: RestrictedMean) -> list[Number]:
    unit, key = panel.followup.unit, f"{panel.key}.{each.label}.restricted_mean"
    label = f"Restricted mean to {each.horizon:g} {unit}, {each.label} − {first}"
    return [Number(key, label, each.difference, unit=unit), Number(f"{key}.test", f"{label}: test", each.test)]


def _figure(panel: Panel, compared: GroupComparison, test: Number, least_at_risk: int) -> Block:
    ticks = nice_ticks(float(panel.followup.time.max()))
    at_risk = risk_counts(panel.followup, panel.groups, ticks)
    remarks = _legend_remarks(compared)
    curves = [
        _curve(group, at_risk[group.label], remarks.get(group.label, ""), _drawn_to(panel, group.label, least_at_risk))
        for group in compared.groups
    ]
    remark = f"{test.label}: p = {p_text(_p_value(test))}".replace("= <", "< ")
    if least_at_risk > 1:
        remark += f"; lines end where fewer than {least_at_risk} are at risk"
    shown = "; ".join(f"{curve.label} ends at {100 * curve.value[-1]:.0f} %" for curve in curves if len(curve.value))
    label = panel.endpoint.label
    words = CurveWords(
        key=panel.key,
        title=panel.title,
        alternative=f"{panel.title} with numbers at risk; {shown}; {remark}.",
        x_label=f"Time, {panel.followup.unit}",
        y_label=f"Incidence, {label[0].lower() + label[1:]}" if compared.competing else label,
        remark=remark,
        start=0.0 if compared.competing else 1.0,
    )
    return draw_curves(curves, ticks, words)


def _legend_remarks(compared: GroupComparison) -> dict[str, str]:
    """Return median and hazard ratio of each group as they stand in the legend, where they have room.

    Nothing with competing events.
    """
    ratios = {each.label: each.ratio for each in compared.hazard_ratios}
    remarks = {}
    for group in compared.groups:
        if group.median is None:
            continue
        median = estimate_text(group.median) if group.median.defined else "not reached"
        ratio = ratios.get(group.label)
        against = f"; HR {estimate_text(ratio, 'ratio')}" if ratio is not None and ratio.defined else ""
        remarks[group.label] = f": median {median}{against}"
    longest = max((len(label) + len(remark) for label, remark in remarks.items()), default=0)
    return remarks if len(compared.groups) <= _MOST_REMARKS and longest <= _LONGEST_REMARK else {}


def _drawn_to(panel: Panel, label: str, least_at_risk: int) -> float:
    """Return the last time at which so many of a group are at risk, 0 where it never has so many."""
    time = np.sort(panel.followup.time[next(rows for name, rows in panel.groups if name == label)])
    return float(time[-least_at_risk]) if len(time) >= least_at_risk else 0.0


def _curve(group: GroupCurve, at_risk: IntArray, remark: str, drawn_to: float) -> Curve:
    found = group.curve
    value = found.incidence if isinstance(found, CumulativeIncidence) else found.survival
    censored: np.ndarray = found.table.time[found.table.censored > 0]
    return Curve(group.label, found.table.time, value, found.low, found.high, censored, at_risk, remark, drawn_to)


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
