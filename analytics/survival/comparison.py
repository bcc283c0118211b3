"""Everything that stands in one figure of a study: the groups' curves, their test and how far they are apart.

With competing events the groups are compared by cumulative incidence and Gray's test, else by Kaplan-Meier curves, the
log-rank test and hazard ratios. Where hazards are not proportional a hazard ratio is no single number: it stands for
the average over the follow-up, says so, and differences of restricted mean survival time stand beside it (Royston &
Parmar, BMC Med Res Methodol 2013;13:152).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from analytics.errors import NotEstimable
from analytics.estimate import Estimate, HypothesisTest
from analytics.survival.competing import CumulativeIncidence, cumulative_incidence, incidence_at
from analytics.survival.cox import CoxModel, cox
from analytics.survival.design import Category, design
from analytics.survival.errors import MonotoneLikelihood
from analytics.survival.firth import firth_cox
from analytics.survival.gray import gray_test
from analytics.survival.kaplan_meier import (
    KaplanMeier,
    kaplan_meier,
    median_survival,
    restricted_mean_difference,
    survival_at,
)
from analytics.survival.logrank import PairwiseTest, log_rank, pairwise_log_rank
from analytics.survival.proportional_hazards import proportional_hazards_test
from analytics.survival.times import Followup, Groups

PROPORTIONAL_P: Final = 0.05
"""p-value of the test of proportional hazards below which they are taken not to hold."""


@dataclass(frozen=True)
class GroupCurve:
    """One group with what stands beside its curve."""

    label: str
    curve: KaplanMeier | CumulativeIncidence
    at_times: tuple[Estimate, ...]
    """Survival, or incidence with competing events, at each of the figure's times."""

    median: Estimate | None
    """None with competing events."""


@dataclass(frozen=True)
class HazardRatio:
    """One group against the first."""

    label: str
    ratio: Estimate
    """By Firth's penalty where the events are perfectly separated; its note says where it is no single number."""


@dataclass(frozen=True)
class RestrictedMean:
    """Difference of restricted mean survival time of one group to the first."""

    label: str
    horizon: float
    """In the unit of the follow-up."""

    difference: Estimate
    test: HypothesisTest


@dataclass(frozen=True)
class GroupComparison:
    """All of one figure. The first group is the reference."""

    groups: tuple[GroupCurve, ...]
    competing: bool
    """Whether another event makes this one impossible for some patients."""

    test: HypothesisTest
    """Log-rank over all groups, or Gray's with competing events, which have nothing of what follows."""

    pairs: tuple[PairwiseTest, ...] = ()
    """Corrected by Holm; empty with two groups."""

    hazard_ratios: tuple[HazardRatio, ...] = ()
    """Of every other group against the first; empty where `problem` says why."""

    proportional_hazards: HypothesisTest | None = None
    """None without hazard ratios and with Firth's penalty."""

    restricted_means: tuple[RestrictedMean, ...] = ()
    """Of every other group, where hazards are not proportional."""

    problem: str | None = None
    """Why there are no hazard ratios."""

    @property
    def proportional(self) -> bool:
        """Whether nothing speaks against hazards being proportional, so that a hazard ratio is a single number."""
        return self.proportional_hazards is None or not self.proportional_hazards.p_value < PROPORTIONAL_P


def compare_groups(followup: Followup, groups: Groups, times: Sequence[float], level: float = 0.95) -> GroupComparison:
    """Compare all groups that hold anybody; `times` are those of survival or incidence, in the follow-up's unit."""
    groups = groups.without_empty()
    if any(cause > 1 for cause in followup.causes):
        curves = tuple(_incidence(label, followup.take(rows), times, level) for label, rows in groups)
        return GroupComparison(curves, competing=True, test=gray_test(followup, groups))
    compared = GroupComparison(
        groups=tuple(_survival(label, followup.take(rows), times, level) for label, rows in groups),
        competing=False,
        test=log_rank(followup, groups).test,
        pairs=pairwise_log_rank(followup, groups) if len(groups.labels) > 2 else (),
    )
    compared = _with_ratios(compared, followup, groups, level)
    if compared.proportional:
        return compared
    return replace(
        compared,
        hazard_ratios=tuple(map(_as_average, compared.hazard_ratios)),
        restricted_means=_restricted_means(followup, groups, times, level),
    )


def horizon_of(arms: Sequence[Followup], times: Sequence[float]) -> float:
    """Return the time that restricted means go to: the last of `times` that every group was followed to.

    Without one it is the end of the shortest group's follow-up (Tian et al., Biometrics 2020;76:1157-1166).
    """
    shortest = min((float(arm.time.max(initial=0.0)) for arm in arms), default=0.0)
    return max((time for time in times if 0 < time <= shortest), default=shortest)


def _survival(label: str, followup: Followup, times: Sequence[float], level: float) -> GroupCurve:
    curve = kaplan_meier(followup, level=level)
    return GroupCurve(label, curve, survival_at(curve, times), median_survival(curve))


def _incidence(label: str, followup: Followup, times: Sequence[float], level: float) -> GroupCurve:
    curve = cumulative_incidence(followup, level=level)
    return GroupCurve(label, curve, incidence_at(curve, times), None)


def _with_ratios(compared: GroupComparison, followup: Followup, groups: Groups, level: float) -> GroupComparison:
    """Return the comparison with hazard ratios and the test of their being constant, or why there are none."""
    table = pd.DataFrame({"group": np.asarray(groups.labels)[groups.code]})
    others = groups.labels[1:]
    try:
        matrix = design(table, [Category("group", groups.labels)])
        try:
            model = cox(followup, matrix, level=level)
        except MonotoneLikelihood:
            penalised = firth_cox(followup, matrix, level=level).coefficients
            return replace(compared, hazard_ratios=_labelled(others, [each.hazard_ratio for each in penalised]))
    except NotEstimable as error:
        return replace(compared, problem=str(error))
    return replace(
        compared,
        hazard_ratios=_labelled(others, [each.hazard_ratio for each in model.coefficients]),
        proportional_hazards=_proportional(model),
    )


def _labelled(labels: Sequence[str], ratios: Sequence[Estimate]) -> tuple[HazardRatio, ...]:
    return tuple(HazardRatio(label, ratio) for label, ratio in zip(labels, ratios, strict=True))


def _proportional(model: CoxModel) -> HypothesisTest:
    try:
        return proportional_hazards_test(model).overall
    except NotEstimable as error:
        return HypothesisTest(math.nan, math.nan, "score test of proportional hazards", model.n, note=str(error))


def _as_average(each: HazardRatio) -> HazardRatio:
    words = "hazards are not proportional: no single number, an average over the follow-up; see the restricted means"
    note = f"{each.ratio.note}; {words}" if each.ratio.note else words
    return replace(each, ratio=replace(each.ratio, note=note))


def _restricted_means(
    followup: Followup, groups: Groups, times: Sequence[float], level: float
) -> tuple[RestrictedMean, ...]:
    arms = {label: followup.take(rows) for label, rows in groups}
    first, *others = arms
    horizon = horizon_of(list(arms.values()), times)
    return tuple(
        RestrictedMean(label, horizon, *restricted_mean_difference(arms[label], arms[first], horizon, level))
        for label in others
    )
