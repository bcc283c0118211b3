"""Whether survival figures, medians and hazard ratios can go together.

Under proportional hazards, which a single hazard ratio asserts, S1(t) = S0(t)^HR at every time, so two survival
figures imply a hazard ratio ln S1 / ln S0.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Final

from analytics.audit.claims import Claims, MedianClaim, RatioClaim, SurvivalClaim
from analytics.audit.finding import Finding, FindingCode, contradiction, note
from analytics.audit.intervals import printed, standard_error
from analytics.endpoints import cannot_exceed, is_rising

ALL: Final = "all"
"""Name of the group that holds everybody."""

_ROOM_POOLED: Final = 0.05
"""By how much the figures of all may lie outside those of the groups, when these are censored differently."""

_STANDARD_ERRORS: Final = 3.0
"""Distance of the implied from the claimed log hazard ratio that is let pass. On 600 simulated endpoints, also with
hazards that are not proportional, it was larger in 3 of 1,742 pairs of figures (a distance of 1.96: in 46)."""

_SAME_TIME_YEARS: Final = 0.01


def check_survival(claims: Claims) -> list[Finding]:
    """Return what is wrong among the survival figures, medians and hazard ratios.

    Shares that have happened, such as recurrence rates, are looked at as the survival that they leave.
    """
    figures = [_as_survival(figure) for figure in claims.survival]
    return [
        *_conflicts(figures),
        *_rises(figures),
        *_outside_groups(figures),
        *_hazard_ratios(figures, claims.ratios),
        *_medians(figures, claims.medians),
    ]


def _as_survival(figure: SurvivalClaim) -> SurvivalClaim:
    if not is_rising(figure.endpoint):
        return figure
    share = figure.share
    return replace(figure, share=replace(share, value=1 - share.value, low=1 - share.high, high=1 - share.low))


def _conflicts(figures: Sequence[SurvivalClaim]) -> Iterator[Finding]:
    for first, second in combinations(figures, 2):
        if not _same_group(first, second) or first.endpoint != second.endpoint or not _same_time(first, second):
            continue
        if not first.share.overlaps(second.share.low, second.share.high):
            message = f"{first}, and {second}"
            yield contradiction(FindingCode.SURVIVAL_CONFLICT, _name(second), second.line, message)


def _rises(figures: Sequence[SurvivalClaim]) -> Iterator[Finding]:
    for first, second in combinations(sorted(figures, key=lambda figure: figure.time_years), 2):
        if not _same_group(first, second):
            continue
        rises = first.endpoint == second.endpoint and not _same_time(first, second)
        if rises and second.share.low > first.share.high + 1e-12:
            message = f"{second}, but {first} earlier"
            yield contradiction(FindingCode.SURVIVAL_RISES, _name(second), second.line, message)
        for lower, upper in ((first, second), (second, first)):
            if cannot_exceed(lower.endpoint, upper.endpoint) and _is_above(lower, upper):
                message = f"{lower}, but only {upper}"
                yield contradiction(FindingCode.SURVIVAL_RISES, _name(lower), lower.line, message)


def _is_above(lower: SurvivalClaim, upper: SurvivalClaim) -> bool:
    """Whether more are said to be free of the first event than of the second then or before, which counts fewer."""
    return upper.time_years <= lower.time_years + _SAME_TIME_YEARS and lower.share.low > upper.share.high + 1e-12


def _outside_groups(figures: Sequence[SurvivalClaim]) -> Iterator[Finding]:
    """Yield each figure of all that lies outside the groups', also of another time, for survival only falls."""
    for whole in (figure for figure in figures if figure.group == ALL):
        parts = [figure for figure in figures if figure.group != ALL and figure.endpoint == whole.endpoint]
        for time_years in sorted({part.time_years for part in parts}):
            now = [part for part in parts if part.time_years == time_years]
            if len({part.group for part in now}) < 2:
                continue
            low = min(part.share.low for part in now)
            high = max(part.share.high for part in now)
            too_low = time_years >= whole.time_years - _SAME_TIME_YEARS and whole.share.high < low - _ROOM_POOLED
            too_high = time_years <= whole.time_years + _SAME_TIME_YEARS and whole.share.low > high + _ROOM_POOLED
            if too_low or too_high:
                message = f"{whole}, but {' and '.join(map(str, now))}"
                yield contradiction(FindingCode.SURVIVAL_OUTSIDE_GROUPS, _name(whole), whole.line, message)
                break


def _hazard_ratios(figures: Sequence[SurvivalClaim], ratios: Sequence[RatioClaim]) -> Iterator[Finding]:
    for ratio in ratios:
        error = standard_error(ratio) if ratio.groups is not None else math.nan
        if math.isnan(error):
            continue
        pairs = list(_pairs(figures, ratio))
        for first, second in pairs:
            implied = implied_hazard_ratio(first, second)
            if implied is None:
                continue
            low, value, high = implied
            reach = math.exp(_STANDARD_ERRORS * error * _early_factor(first, second, pairs))
            least, most = ratio.ratio.low / reach, ratio.ratio.high * reach
            if high < least or low > most:
                said = f"{first} against {second.share.text} of {second.group} imply a hazard ratio of {value:.2f}"
                message = f"{said}; {printed(ratio)} allows {least:.2f} to {most:.2f}"
                yield contradiction(FindingCode.HAZARD_RATIO, ratio.name, first.line, message, implied=value)
            elif _is_outside(ratio, low, high) and _early_factor(first, second, pairs) <= 1.0:
                said = f"{first} against {second.share.text} of {second.group} imply a hazard ratio of {value:.2f}"
                message = f"{said}, outside the interval of {printed(ratio)}"
                yield note(FindingCode.HAZARD_RATIO_OUTSIDE, ratio.name, first.line, message, implied=value)


def _is_outside(ratio: RatioClaim, low: float, high: float) -> bool:
    """Return whether no hazard ratio from `low` to `high` lies in the printed interval."""
    return ratio.low is not None and ratio.high is not None and (high < ratio.low.low or low > ratio.high.high)


def _early_factor(
    first: SurvivalClaim, second: SurvivalClaim, pairs: Sequence[tuple[SurvivalClaim, SurvivalClaim]]
) -> float:
    """Return by how much fewer events make early figures less certain than the latest ones of the same place.

    The variance of a log hazard ratio is the sum of one over the events of each group, so that it grows at most as the
    group does whose events are fewest of its later ones.
    """
    placed = [pair for pair in pairs if pair[0].where == first.where]
    late = max(placed, key=lambda pair: 2.0 - pair[0].share.value - pair[1].share.value)
    grown = [
        (1.0 - last.share.value) / (1.0 - now.share.value)
        for now, last in zip((first, second), late, strict=True)
        if now.share.value < 1.0
    ]
    return math.sqrt(max([1.0, *grown]))


def implied_hazard_ratio(first: SurvivalClaim, second: SurvivalClaim) -> tuple[float, float, float] | None:
    """Return the least, the printed and the largest hazard ratio that two figures imply.

    None where a figure may be 0 % or 100 %, which implies none.
    """
    shares = (first.share, second.share)
    if any(share.low <= 0.0 or share.high >= 1.0 for share in shares):
        return None
    a, b = shares
    return (
        math.log(a.high) / math.log(b.low),
        math.log(a.value) / math.log(b.value),
        math.log(a.low) / math.log(b.high),
    )


def _pairs(figures: Sequence[SurvivalClaim], ratio: RatioClaim) -> Iterator[tuple[SurvivalClaim, SurvivalClaim]]:
    """Return figures of both groups at the same time and in the same place of the paper."""
    groups = ratio.groups or ("", "")
    of_endpoint = [figure for figure in figures if figure.endpoint == ratio.endpoint]
    for first in of_endpoint:
        for second in of_endpoint:
            together = _same_time(first, second) and first.where == second.where
            if together and (first.group, second.group) == groups:
                yield first, second


def _medians(figures: Sequence[SurvivalClaim], medians: Sequence[MedianClaim]) -> Iterator[Finding]:
    """Yield each figure below one half before the median, or above it from there on."""
    for median in medians:
        for figure in figures:
            if (figure.group, figure.endpoint) != (median.group, median.endpoint):
                continue
            before = median.median_years is None or figure.time_years < median.median_years - _SAME_TIME_YEARS
            after = median.median_years is not None and figure.time_years > median.median_years + _SAME_TIME_YEARS
            if (before and figure.share.high < 0.5) or (after and figure.share.low > 0.5):
                name = f"median {median.endpoint} of {median.group}"
                message = f"{name} is {median.text}, but {figure}"
                yield contradiction(FindingCode.MEDIAN, name, median.line, message)


def _same_group(first: SurvivalClaim, second: SurvivalClaim) -> bool:
    return first.group == second.group


def _same_time(first: SurvivalClaim, second: SurvivalClaim) -> bool:
    return abs(first.time_years - second.time_years) <= _SAME_TIME_YEARS


def _name(figure: SurvivalClaim) -> str:
    return f"{figure.time_text} {figure.endpoint} of {figure.group}"
